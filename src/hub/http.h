// Single HTTP requests: no redirect is followed and nothing is tried twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace siglip {

/// No answer, or one that breaks off or says "not now": the same request may succeed later.
class TransientFailure : public std::runtime_error {
 public:
  explicit TransientFailure(const std::string& message, std::string hint = {})
      : std::runtime_error(message), hint_(std::move(hint)) {}

  const std::string& hint() const { return hint_; }  ///< What the user can do; may be empty.

 private:
  std::string hint_;
};

struct HttpRequest {
  bool head = false;  // only the headers of the answer
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case

  /// Empty if there is no such header.
  std::string Header(const std::string& name) const;
  bool Succeeded() const { return status >= 200 && status <= 299; }
};

class HttpClient {
 public:
  /// A connection that is silent for `timeout_seconds` is given up. `*stop` becoming true ends the
  /// request under way.
  HttpClient(int timeout_seconds, const std::atomic<bool>* stop);
  ~HttpClient();

  /// Takes the body of a successful answer (2xx) piece by piece; what it throws ends the request
  /// and is passed on. Other bodies are dropped.
  using BodySink = std::function<void(const HttpResponse&, std::span<const std::byte>)>;

  /// Throws TransientFailure, Error(kCancelled), and Error(kIo) for what stays as it is, such as a
  /// certificate that is not trusted. Messages name the host and what failed: the resolution of its
  /// name, the connection, the proxy or the certificate.
  HttpResponse Send(const HttpRequest& request, const BodySink& sink);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

/// "scheme://host:port": what must be equal for two URLs to lead to the same server. Throws
/// Error(kMalformedFile) for what is no http or https URL.
std::string OriginOf(const std::string& url);

/// The URL that `location` means in an answer to a request for `url`. Throws as OriginOf does.
std::string ResolveLocation(const std::string& url, const std::string& location);

/// For errors: what follows "?" may be a signature that gives access.
std::string WithoutQuery(const std::string& url);

/// The text as one part of a URL's path.
std::string PercentEncoded(const std::string& text);

}  // namespace siglip
