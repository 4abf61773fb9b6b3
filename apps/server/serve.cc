#include "server/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "server/api_keys.h"
#include "server/index_keeper.h"
#include "server/notify.h"
#include "server/service.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

constexpr std::chrono::milliseconds kTick{50};

/// False for what is no IP address, which HttpServer refuses.
bool IsOfOthers(const std::string& address) {
  in_addr v4 = {};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 != 127;
  in6_addr v6 = {};
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && !IN6_IS_ADDR_LOOPBACK(&v6);
}

void CheckExposure(const ServeOptions& options) {
  if (options.api_keys || options.no_auth || !IsOfOthers(options.http.address)) return;
  throw Error(ErrorCode::kInvalidArgument,
              options.http.address + ": other computers could ask without a key",
              "give --api-keys FILE, or --no-auth if that is meant");
}

std::string UrlOf(const std::string& address, uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port) + "/";
}

/// The network thread. Cuts what is left when it is destroyed.
class Network {
 public:
  explicit Network(HttpServer& server)
      : server_(server),
        all_answered_(std::async(std::launch::async, [&] { return server.Run(); })) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network() { server_.Stop(); }  // and the future waits for the end

  bool EndsWithin(std::chrono::milliseconds time) const {
    return all_answered_.wait_for(time) == std::future_status::ready;
  }
  /// What HttpServer::Run returns.
  bool AllAnswered() { return all_answered_.get(); }

 private:
  HttpServer& server_;
  std::future<bool> all_answered_;
};

/// Looks at the signals from time to time, and tells systemd that all is well.
class Attendant {
 public:
  Attendant(HttpServer& server, ServiceParts& parts, ApiKeys* keys, const ServeOptions& options,
            const ServeSignals& signals)
      : server_(server), parts_(parts), keys_(keys), options_(options), signals_(signals) {}

  /// Until the network comes to its end.
  void Attend(const Network& network) {
    const auto watchdog = WatchdogInterval();
    auto next = std::chrono::steady_clock::now();
    bool draining = false;
    while (!network.EndsWithin(kTick)) {
      if (signals_.stop && !std::exchange(draining, true)) BeginToEnd();
      if (signals_.reload.exchange(false)) Reload();
      if (watchdog && std::chrono::steady_clock::now() >= next) {
        // A service that is stuck is not well.
        if (!parts_.embed.status().stuck) Notify("WATCHDOG=1");
        next += *watchdog / 2;
      }
    }
  }

 private:
  void BeginToEnd() {
    parts_.draining = true;
    Notify("STOPPING=1");
    signals_.say("finishing what was accepted");
    server_.Drain(options_.drain);
  }

  void Reload() {
    if (keys_ == nullptr) return;
    try {
      keys_->Reload();
      signals_.say("the keys were read again");
    } catch (const Error& error) {
      signals_.say(std::string("the keys stay as they were: ") + error.what());
    }
  }

  HttpServer& server_;
  ServiceParts& parts_;
  ApiKeys* const keys_;
  const ServeOptions& options_;
  const ServeSignals& signals_;
};

}  // namespace

bool Serve(const ServeOptions& options, const ServeSignals& signals,
           const std::function<Embedder()>& load) {
  CheckExposure(options);
  std::unique_ptr<ApiKeys> keys;
  if (options.api_keys) keys = std::make_unique<ApiKeys>(*options.api_keys);
  Service service(options.access, keys.get());
  HttpServer server(options.http, service);
  const std::string url = UrlOf(options.http.address, server.port());
  Network network(server);
  signals.say("loading the model; " + url + "ready tells when that is done");
  ServiceParts& parts = service.Load(load(), options.service, options.http.budget,
                                     [&server] { return server.statistics().connections; });
  std::unique_ptr<IndexKeeper> keeper;
  if (options.watch) {
    keeper = std::make_unique<IndexKeeper>(
        *options.service.index, parts.embed.embedder(), options.recorded_model, options.rescan,
        parts.updating, [&signals](const Error& error) {
          signals.say(std::string("the index cannot be brought up to date: ") + error.what());
        });
  }
  service.Open();
  signals.say("serving " + url);
  Notify("READY=1");
  Attendant(server, parts, keys.get(), options, signals).Attend(network);
  return network.AllAnswered();
}

}  // namespace siglip::server
