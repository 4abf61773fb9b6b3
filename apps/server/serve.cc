#include "server/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
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

/// Looks at the signals from time to time, and tells systemd that all is well.
class Attendant {
 public:
  Attendant(HttpServer& server, ServiceParts& parts, ApiKeys* keys, const ServeOptions& options,
            const ServeSignals& signals)
      : server_(server),
        parts_(parts),
        keys_(keys),
        options_(options),
        signals_(signals),
        thread_([this] { Work(); }) {}
  ~Attendant() {
    ended_ = true;
    thread_.join();
  }

 private:
  void Work() {
    const auto watchdog = WatchdogInterval();
    auto next = std::chrono::steady_clock::now();
    bool draining = false;
    while (!ended_) {
      if (signals_.stop && !std::exchange(draining, true)) BeginToEnd();
      if (signals_.reload.exchange(false)) Reload();
      if (watchdog && std::chrono::steady_clock::now() >= next) {
        // A service that is stuck is not well.
        if (!parts_.embed.status().stuck) Notify("WATCHDOG=1");
        next += *watchdog / 2;
      }
      std::this_thread::sleep_for(kTick);
    }
  }

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
  std::atomic<bool> ended_ = false;
  std::thread thread_;  // the last to be made
};

}  // namespace

bool Serve(Embedder embedder, const ServeOptions& options, const ServeSignals& signals) {
  CheckExposure(options);
  std::unique_ptr<ApiKeys> keys;
  if (options.api_keys) keys = std::make_unique<ApiKeys>(*options.api_keys);
  Service service(std::move(embedder), options.service, options.http.budget, options.access,
                  keys.get());
  HttpServer server(options.http, service);
  service.parts().connections = [&server] { return server.statistics().connections; };
  std::unique_ptr<IndexKeeper> keeper;
  if (options.watch) {
    keeper = std::make_unique<IndexKeeper>(
        *options.service.index, service.parts().embed.embedder(), options.recorded_model,
        options.rescan, service.parts().updating, [&signals](const Error& error) {
          signals.say(std::string("the index cannot be brought up to date: ") + error.what());
        });
  }
  service.WarmUp();
  signals.say("serving " + UrlOf(options.http.address, server.port()));
  Notify("READY=1");
  const Attendant attendant(server, service.parts(), keys.get(), options, signals);
  return server.Run();
}

}  // namespace siglip::server
