// What PullModel sends its requests through, for programs that bring an HTTP client of their own.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "siglip/error.hpp"
#include "siglip/export.hpp"

namespace siglip {

/// Names and values, as they are sent.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string url;           ///< http or https, by RFC 3986, without a fragment.
  HttpHeaders headers;       ///< All that must be sent beside those of the connection, as they are.
  bool head = false;         ///< HEAD: only the headers of the answer. Else GET.
  int timeout_seconds = 10;  ///< A connection that is silent for so long is given up; at least 1.
  /// Becoming true ends the request. May be null.
  const std::atomic<bool>* stop = nullptr;
};

struct HttpResponse {
  int status = 0;       ///< 200, 404 ...
  HttpHeaders headers;  ///< Names in any case.
};

/// No answer, or one that breaks off: the same request may succeed a moment later. PullModel tries
/// it again, and after the last time throws Error(kIo) with this message and hint.
class SIGLIP_EXPORT TransientFailure : public Error {
 public:
  explicit TransientFailure(std::string message, std::string hint = {});
  ~TransientFailure() override;
};

/// Sends single HTTP requests. A pull calls it from the thread that called PullModel, one request
/// at a time. One transport may serve several pulls; where these run at once, it is called by
/// several threads at once.
class SIGLIP_EXPORT HttpTransport {
 public:
  /// Takes the body of an answer piece by piece, in order, with the status and headers of the
  /// answer. The bytes are read before it returns. It throws to end the request.
  using BodySink = std::function<void(const HttpResponse& head, std::span<const std::byte> bytes)>;

  HttpTransport() = default;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;
  virtual ~HttpTransport();

  /// Sends `request` once, hands the body of the answer to `sink`, called from this thread only,
  /// and returns when all of it has come.
  ///
  /// An answer of any status is an answer, not a failure. Redirects are not followed: that the
  /// access token reaches nobody but the hub, and no connection without TLS takes the place of one
  /// with it, is seen to by the caller. Nothing is tried again, stored, or decoded: the body is the
  /// bytes that the server sends, or its size and checksum will not fit. Certificates are to be
  /// verified.
  ///
  /// Throws TransientFailure when no answer comes, or not the whole of it, for a reason that may
  /// pass: a host that is not found or not reached, silence, a connection that breaks off. Throws
  /// Error(kIo) for reasons that stay, such as a certificate that is not trusted, and
  /// Error(kCancelled) within about a second after `request.stop` has become true. What `sink`
  /// throws must be thrown on. Anything else it throws, of any type, ends the pull and leaves
  /// PullModel as it is.
  virtual HttpResponse Send(const HttpRequest& request, const BodySink& sink) = 0;
};

}  // namespace siglip
