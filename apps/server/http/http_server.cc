#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <map>
#include <new>
#include <set>
#include <utility>

#include "server/http/http_connection.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kServerAwait = asio::as_tuple(asio::use_awaitable);

// Clients that are told 503 for want of room, at once; more than these wait to be accepted.
constexpr size_t kMaxTurnedAway = 64;
// When the process has no file descriptors left.
constexpr std::chrono::milliseconds kAcceptAgain{50};

/// Whom a connection counts for, and what handlers are told.
struct Peer {
  std::string address;  ///< Without port and zone; IPv4 as such, also when it came through IPv6.
  std::string network;  ///< The address itself; of IPv6 the first 64 bits, which one host may have.
  bool is_loopback = false;
};

Peer PeerOf(const sockaddr_storage& storage) {
  asio::ip::address address;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    address = asio::ip::address_v4(ntohl(in.sin_addr.s_addr));
  } else {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    asio::ip::address_v6::bytes_type bytes;
    std::copy(std::begin(in6.sin6_addr.s6_addr), std::end(in6.sin6_addr.s6_addr), bytes.begin());
    address = asio::ip::address_v6(bytes);
    if (address.to_v6().is_v4_mapped()) {
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
  }
  Peer peer{address.to_string(), address.to_string(), address.is_loopback()};
  if (address.is_v6()) {
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    peer.network = asio::ip::address_v6(bytes).to_string() + "/64";
  }
  return peer;
}

}  // namespace

void NetworkThread::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (context_) asio::post(*context_, std::move(work));
}

void NetworkThread::Close() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
}

class HttpServer::Implementation {
 public:
  Implementation(HttpServerOptions options, HttpHandler& handler)
      : state_(std::move(options), handler),
        acceptor_(context_),
        again_(context_),
        drain_limit_(context_) {
    state_.network_thread = std::make_shared<NetworkThread>(context_);
    Bind();
  }

  ~Implementation() {
    state_.network_thread->Close();
    connections_.clear();
  }

  uint16_t port() const { return port_; }

  bool Run() {
    const auto guard = asio::make_work_guard(context_);  // until Finish() stops it
    asio::co_spawn(context_, Listen(), asio::detached);
    context_.run();
    return !state_.cut_a_request;
  }

  void Drain(std::chrono::milliseconds limit) {
    state_.network_thread->Post([this, limit] {
      if (!state_.draining) {
        AcceptAll();  // what is connected already gets an answer
        state_.draining = true;
        CloseAcceptor();
        for (const auto& connection : connections_) connection->OnDrain();
      }
      drain_limit_.expires_after(limit);
      drain_limit_.async_wait([this](error_code error) {
        if (!error) CutAll();
      });
      FinishIfDone();
    });
  }

  void Stop() {
    state_.network_thread->Post([this] {
      state_.draining = true;
      CloseAcceptor();
      CutAll();
      FinishIfDone();
    });
  }

  HttpStatistics statistics() const {
    return {open_, state_.idle_connections, accepted_, turned_away_total_};
  }

 private:
  void Bind() {
    const HttpServerOptions& options = state_.options;
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) {
      throw Error(ErrorCode::kInvalidArgument,
                  "address \"" + options.address + "\": expected an IP address such as 127.0.0.1");
    }
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor_.native_non_blocking(true, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) {
      throw Error(ErrorCode::kIo, "cannot listen on " + options.address + ", port " +
                                      std::to_string(options.port) + ": " + error.message());
    }
  }

  asio::awaitable<void> Listen() {
    while (acceptor_.is_open()) {
      if (turned_away_ >= kMaxTurnedAway) {
        again_.expires_at(std::chrono::steady_clock::time_point::max());
        co_await again_.async_wait(kServerAwait);  // until Closed() or CloseAcceptor()
        continue;
      }
      const auto [error] = co_await acceptor_.async_wait(tcp::acceptor::wait_read, kServerAwait);
      if (error || AcceptAll()) continue;
      again_.expires_after(kAcceptAgain);
      co_await again_.async_wait(kServerAwait);
    }
  }

  void CloseAcceptor() {
    error_code ignored;
    acceptor_.close(ignored);
    again_.cancel();
  }

  /// Accepts who is there; false if the system refuses to.
  bool AcceptAll() {
    while (acceptor_.is_open() && turned_away_ < kMaxTurnedAway) {
      sockaddr_storage address = {};
      socklen_t size = sizeof(address);
      const int socket = accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&address),
                                 &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (socket < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
      try {
        Serve(socket, PeerOf(address));
      } catch (const std::bad_alloc&) {
        return false;
      }
    }
    return true;
  }

  /// Owns the socket, also when it throws.
  void Serve(int socket, const Peer& peer) {
    const bool turned_away = !HasRoomFor(peer);
    std::shared_ptr<HttpConnection> connection;
    try {
      connection = MakeConnection(context_, socket, peer.address, turned_away, state_);
    } catch (...) {
      close(socket);
      throw;
    }
    connections_.insert(connection);
    open_ = connections_.size();
    ++accepted_;
    if (turned_away) {
      ++turned_away_;
      ++turned_away_total_;
    } else {
      ++per_network_[peer.network];
    }
    connection->Start([this, connection, turned_away, network = peer.network] {
      Closed(connection, turned_away, network);
    });
  }

  /// May take it from a connection that is idle.
  bool HasRoomFor(const Peer& peer) {
    const HttpServerOptions& options = state_.options;
    if (!peer.is_loopback) {
      const auto same = per_network_.find(peer.network);
      if (same != per_network_.end() && same->second >= options.max_connections_per_address) {
        return false;
      }
    }
    if (connections_.size() - turned_away_ < options.max_connections) return true;
    // The list changes only when this ends.
    return std::any_of(state_.idle.begin(), state_.idle.end(),
                       [](HttpConnection* connection) { return connection->CutIfSilent(); });
  }

  void Closed(const std::shared_ptr<HttpConnection>& connection, bool turned_away,
              const std::string& network) {
    connections_.erase(connection);
    open_ = connections_.size();
    if (turned_away) {
      --turned_away_;
      again_.cancel();
    } else if (--per_network_[network] == 0) {
      per_network_.erase(network);
    }
    FinishIfDone();
  }

  void CutAll() {
    for (const auto& connection : connections_) connection->Cut();
  }

  void FinishIfDone() {
    if (state_.draining && connections_.empty()) context_.stop();
  }

  // In this order: what waits in the context refers to the state.
  ServerState state_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer again_;
  asio::steady_timer drain_limit_;
  uint16_t port_ = 0;
  std::set<std::shared_ptr<HttpConnection>> connections_;
  size_t turned_away_ = 0;                     // of these
  std::map<std::string, size_t> per_network_;  // of the others
  std::atomic<size_t> open_ = 0;
  std::atomic<uint64_t> accepted_ = 0;
  std::atomic<uint64_t> turned_away_total_ = 0;
};

HttpServer::HttpServer(HttpServerOptions options, HttpHandler& handler)
    : implementation_(std::make_unique<Implementation>(std::move(options), handler)) {}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return implementation_->port(); }

bool HttpServer::Run() { return implementation_->Run(); }

void HttpServer::Drain(std::chrono::milliseconds limit) { implementation_->Drain(limit); }

void HttpServer::Stop() { implementation_->Stop(); }

HttpStatistics HttpServer::statistics() const { return implementation_->statistics(); }

std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    // clang-format off
    case Outcome::kSent: return "sent";
    case Outcome::kClientLeft: return "client_left";
    case Outcome::kDeadline: return "deadline";
    case Outcome::kFailed: return "failed";
    case Outcome::kStopped: return "stopped";
      // clang-format on
  }
  return "unknown";
}

}  // namespace siglip::server
