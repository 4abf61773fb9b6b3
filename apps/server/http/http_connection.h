// One connection, from its first byte to its last; how HttpServer sees it.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "server/http/http_server.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace siglip::server {

/// The way of other threads to the network thread, as long as there is one. Any thread.
class NetworkThread {
 public:
  explicit NetworkThread(boost::asio::io_context& context) : context_(&context) {}

  /// Runs `work` on the network thread, soon; drops it after Close().
  void Post(std::function<void()> work);

  /// From now on no work is taken.
  void Close();

 private:
  std::mutex mutex_;
  boost::asio::io_context* context_;  // null when closed
};

class HttpConnection {
 public:
  virtual ~HttpConnection() = default;

  /// Serves. `closed` is called on the network thread when all is over, but not if the context is
  /// destroyed before.
  virtual void Start(std::function<void()> closed) = 0;

  /// ServerState::draining has become true: one that waits for a request does so for a moment only.
  virtual void OnDrain() = 0;

  /// Ends the connection as it is.
  virtual void Cut() = 0;

  /// Makes room for another one; false, and nothing done, if a request has come meanwhile. For
  /// those in ServerState::idle.
  virtual bool CutIfSilent() = 0;
};

/// What all connections of a server share. Network thread only.
struct ServerState {
  ServerState(HttpServerOptions server_options, HttpHandler& server_handler)
      : options(std::move(server_options)), handler(server_handler) {}

  HttpServerOptions options;
  HttpHandler& handler;
  std::shared_ptr<NetworkThread> network_thread;
  bool draining = false;
  bool cut_a_request = false;                ///< One whose header had been read, by Cut().
  std::list<HttpConnection*> idle;           ///< Those that wait for a request, the longest first.
  std::atomic<size_t> idle_connections = 0;  ///< The size of that list, for other threads.
  std::mt19937_64 random{std::random_device()()};
};

/// Takes over an open socket. A client that is `turned_away` is told 503, whatever it asks. `state`
/// must outlive the context. Throws when there is no memory; then the socket is still the caller's.
std::shared_ptr<HttpConnection> MakeConnection(boost::asio::io_context& context, int socket,
                                               std::string client, bool turned_away,
                                               ServerState& state);

}  // namespace siglip::server
