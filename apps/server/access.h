// Who may ask the service for what.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http_message.h"
#include "server/sessions.h"

namespace siglip::server {

/// Without an answer to these a web site could ask through its visitor's browser (DNS rebinding,
/// forged requests), since the browser may reach what the site may not.
struct AccessRules {
  /// Names besides IP addresses and localhost by which the service may be called.
  std::vector<std::string> allowed_hosts;
  /// Origins of other sites whose pages may ask, as browsers write them: "https://example.org".
  std::vector<std::string> cors_origins;
};

/// What a refused client is told.
struct Refusal {
  int status = 0;
  std::string code;
  std::string message;
};

/// Which rules hold for a route.
enum class Exposure {
  kOpen,     ///< The page's own files, /health, /ready, and where a session begins: without a key.
  kGuarded,  ///< Everything else.
};

/// The name in a Host field or in what follows "http://": without port and brackets, lower-case.
/// Nothing where it is none.
std::optional<std::string> HostName(std::string_view host);

/// Whether the body is a picture, by its Content-Type.
bool HasPictureBody(const RequestHead& head);

class Access {
 public:
  /// Without keys nobody has to show one. All must outlive this object.
  Access(AccessRules rules, const ApiKeys* keys, const Sessions* sessions);

  /// Nothing where the request may pass. `path` is decoded.
  std::optional<Refusal> Check(const RequestHead& head, std::string_view path,
                               Exposure exposure) const;

  /// Whether the body of a request to a route that takes one is of a type that no form can send,
  /// and not compressed.
  static std::optional<Refusal> CheckContentType(const RequestHead& head);

  /// The Origin of a request if it is one of cors_origins, to be answered with.
  const std::string* CorsOrigin(const RequestHead& head) const;

 private:
  std::optional<Refusal> CheckHost(const RequestHead& head) const;
  std::optional<Refusal> CheckOrigin(const RequestHead& head, std::string_view path) const;
  std::optional<Refusal> CheckKey(const RequestHead& head) const;

  const AccessRules rules_;
  const ApiKeys* const keys_;
  const Sessions* const sessions_;
};

inline constexpr std::string_view kSessionCookie = "siglip_session";

/// The value of the session's cookie, if the request has one.
std::optional<std::string> SessionCookie(const RequestHead& head);

}  // namespace siglip::server
