// Requests and replies as handlers see them: plain values, nothing of sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/memory_budget.h"
#include "server/http/target.h"

namespace siglip::server {

struct HttpField {
  std::string name;  ///< In lower case.
  std::string value;
};

/// What is known of a request before its body. Names and values are printable ASCII, blanks and
/// tabs.
struct RequestHead {
  std::string method;  ///< As sent, e.g. "GET"; never CONNECT or TRACE.
  std::string target;  ///< As sent, begins with "/"; for log lines.
  Target resource;     ///< The target, decoded.
  std::vector<HttpField> fields;
  std::string client;  ///< The IP address of the peer, without port.
  std::string id;      ///< Our own; the reply carries it as x-request-id.

  /// The value of the first field of this name (in lower case), or null. There is exactly one
  /// "host", at most one "content-length", "transfer-encoding", "content-type", "authorization",
  /// "origin" and "expect".
  const std::string* Find(std::string_view name) const;
};

/// The peer of one request, as long as its reply is not complete. Any thread.
class Client {
 public:
  Client();
  ~Client();

  /// Calls `callback`, once and on the network thread, when the client closed its connection or was
  /// cut off before it had the whole reply; at once, on the calling thread, if that has happened.
  /// It must not wait. Forgotten when the reply is complete. A client that closes only its sending
  /// side counts as gone.
  void OnGone(std::function<void()> callback);

  bool gone() const;

  /// The two ends, of which the connection calls one.
  void Leave();
  void Complete();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The bytes of a reply, made while they are sent.
class BodySource {
 public:
  virtual ~BodySource() = default;

  /// Asks for the next bytes; called on the network thread, not again before the last call was
  /// answered and its bytes were sent, and not when all announced bytes have come. `take` is called
  /// once, by any thread, also from within Next: with some bytes or, at the end, with nothing. The
  /// connection is cut when the end comes early or a piece is too long, so a source that cannot go
  /// on just ends. Letting go of `take` without a call ends it, too. Must not wait or throw.
  virtual void Next(std::function<void(std::optional<std::string> chunk)> take) = 0;
};

struct Reply {
  int status = 200;
  std::string content_type = {};  ///< May be empty when there is no body.
  /// More fields, names in lower case; not content-length, connection, date, transfer-encoding,
  /// x-request-id and x-content-type-options, which the server writes. A name that is no token and
  /// a value with a control character make the reply a 500: never put in what a client sent.
  std::vector<HttpField> fields = {};
  std::string body = {};
  std::shared_ptr<BodySource> source = {};  ///< Instead of `body`.
  uint64_t size = 0;                        ///< Bytes that `source` will give.
  Reservation memory = {};                  ///< Given back when the reply was sent or given up.
  std::string log = {};                     ///< Handed to Finished() as it is; never sent.
};

/// A refusal with a body of ErrorBody(), as the server itself makes them. 429 and 503 need
/// `retry_after` (seconds).
Reply ErrorReply(int status, std::string_view code, std::string_view message, int retry_after = 0);

struct HttpRequest {
  RequestHead head;
  std::string body;
  /// For the body: Admission::memory_factor times its length. Whoever keeps the body keeps this.
  Reservation memory;
  std::shared_ptr<Client> client;
};

}  // namespace siglip::server
