// A server of HTTP/1.1 on one network thread, which a bad client cannot hurt.
//
// A connection: header (scanned by ScanHeader), verdict (HttpHandler::Admit), body,
// HttpHandler::Handle, reply, and again. Every stage has an absolute deadline and a limit on bytes.
// What is not admitted is answered at once and its body read and dropped, so that the client gets
// to see the answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/http/http_message.h"
#include "server/http/memory_budget.h"

namespace siglip::server {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< An IP address.
  uint16_t port = 8080;               ///< 0: any that is free.

  /// When all are taken, a new client takes the place of the connection that has waited longest for
  /// the first byte of a request; if none waits it is told 503 with Retry-After.
  size_t max_connections = 256;
  size_t max_connections_per_address = 64;  ///< Not for loopback addresses; over it 503.

  uint64_t max_body_bytes = 20 << 20;  ///< Above it 413.
  MemoryBudget budget{256 << 20};      ///< Copies share one account.

  // Deadlines, all absolute. Bodies and replies also get their size / bytes_per_second.
  /// From connecting; on a kept connection from the first byte of the next header.
  std::chrono::milliseconds header_time{5'000};
  /// From a reply to that first byte.
  std::chrono::milliseconds keep_alive_time{30'000};
  std::chrono::milliseconds body_time{5'000};
  /// For sending; computing a reply has no deadline here.
  std::chrono::milliseconds reply_time{30'000};
  uint64_t bytes_per_second = 256'000;

  // How long and how far the body of a refused request is read and dropped after the answer. A body
  // that would have been allowed is dropped whole, within its own deadline.
  std::chrono::milliseconds drop_time{2'000};
  uint64_t drop_bytes = 8 << 20;
};

/// The verdict on a request, given before its body is read.
struct Admission {
  std::optional<Reply> refusal = {};  ///< Sent instead of everything else.
  std::string code = {};              ///< Why, e.g. "missing_api_key"; Exchange::code.
  bool takes_body = false;            ///< Otherwise a request with a body is answered 400.
  uint64_t memory_factor = 1;         ///< Bytes of the budget per byte of body: 2 for JSON.
};

/// How an exchange ended.
enum class Outcome {
  kSent,        ///< The whole reply was written.
  kClientLeft,  ///< The client closed its connection before that.
  kDeadline,    ///< It was too slow: with its header, its body or in reading the reply.
  kFailed,      ///< The reply's source gave another number of bytes than announced.
  kStopped,     ///< The server stopped first.
};

/// "sent", "client_left", "deadline", "failed", "stopped"; for logs and labels.
std::string_view ToString(Outcome outcome);

/// What is known about a request when all is over.
struct Exchange {
  RequestHead head;  ///< Only `id` and `client` if the header was refused or never complete.
  int status = 0;    ///< 0 if no reply was begun.
  Outcome outcome = Outcome::kSent;
  std::string code;           ///< Why it was refused unread, e.g. "body_too_large"; else empty.
  uint64_t bytes_in = 0;      ///< Of the body.
  uint64_t bytes_out = 0;     ///< Of the reply with its header.
  double read_seconds = 0;    ///< From the header's first byte to the body's last.
  double handle_seconds = 0;  ///< Until there was a reply.
  double write_seconds = 0;   ///< Until it was sent.
  std::string log;            ///< Reply::log.
};

/// What the server is for. All functions are called on the network thread: they must not wait, and
/// what they throw is answered with 500.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  virtual Admission Admit(const RequestHead& head) = 0;

  /// `reply` is called once, by any thread, also from within Handle. Letting go of it without a
  /// call is answered with 500. It may outlive the server, and then does nothing. A request with
  /// method HEAD is answered like GET; the server leaves out the body.
  virtual void Handle(HttpRequest request, std::function<void(Reply)> reply) = 0;

  /// Once for each request of which at least one byte came, and for each connection refused for
  /// want of room (status 503, code "too_many_connections"). What it throws is ignored.
  virtual void Finished(const Exchange&) {}
};

/// Numbers of now and since the start.
struct HttpStatistics {
  size_t connections = 0;       ///< Open, those being refused included.
  size_t idle_connections = 0;  ///< Of these, those of which no byte of a request has come.
  uint64_t accepted = 0;        ///< Connections since the start.
  uint64_t turned_away = 0;     ///< Of these, refused for want of room.
};

class HttpServer {
 public:
  /// Binds and listens. Throws Error: kInvalidArgument if the address is none, kIo naming address,
  /// port and reason. `handler` must outlive the server.
  HttpServer(HttpServerOptions options, HttpHandler& handler);
  /// Not while Run() runs. Connections that are left are closed.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;

  /// Serves on the calling thread until Drain() or Stop() is done. True if every request whose
  /// header had been read was brought to its end; false if some were cut. Once per server.
  bool Run();

  /// From any thread: no connection is accepted any more; requests whose header has been read are
  /// answered whole, those that come later on open connections get 503 with Retry-After; idle
  /// connections are closed a moment later. Run() returns when no connection is left, and at the
  /// latest after `limit`.
  void Drain(std::chrono::milliseconds limit);

  /// From any thread: cuts every connection; Run() returns.
  void Stop();

  /// From any thread.
  HttpStatistics statistics() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace siglip::server
