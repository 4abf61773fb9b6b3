#include "server/access.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "server/http/header_text.h"

namespace siglip::server {
namespace {

std::string_view Value(const RequestHead& head, std::string_view name) {
  const std::string* const value = head.Find(name);
  return value ? WithoutBlanks(*value) : std::string_view();
}

bool IsIpAddress(const std::string& name) {
  in6_addr address = {};
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

bool IsPort(std::string_view text) {
  return text.size() <= 5 &&
         std::ranges::all_of(text, [](unsigned char digit) { return std::isdigit(digit) != 0; });
}

/// Without parameters.
std::string MediaType(const RequestHead& head) {
  const std::string_view whole = Value(head, "content-type");
  return Lower(WithoutBlanks(whole.substr(0, whole.find(';'))));
}

AccessRules WithLowerHosts(AccessRules rules) {
  for (std::string& host : rules.allowed_hosts) host = Lower(host);
  return rules;
}

/// Whether the request was sent from a page of the service itself, as its browser says.
bool FromOwnPage(const RequestHead& head) {
  const std::string_view origin = Value(head, "origin");
  const std::string_view host = Value(head, "host");
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && Lower(origin.substr(scheme.size())) == Lower(host)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> HostName(std::string_view host) {
  std::string_view name;
  std::string_view rest;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    name = host.substr(1, end - 1);
    rest = host.substr(end + 1);
    if (name.find(':') == std::string_view::npos) return std::nullopt;
  } else {
    const size_t colon = std::min(host.find(':'), host.size());
    name = host.substr(0, colon);
    rest = host.substr(colon);
  }
  if (name.empty() || (!rest.empty() && !rest.starts_with(':'))) return std::nullopt;
  if (!rest.empty() && !IsPort(rest.substr(1))) return std::nullopt;
  return Lower(name);
}

bool HasPictureBody(const RequestHead& head) { return MediaType(head).starts_with("image/"); }

Access::Access(AccessRules rules, const ApiKeys* keys, const Sessions* sessions)
    : rules_(WithLowerHosts(std::move(rules))), keys_(keys), sessions_(sessions) {}

std::optional<Refusal> Access::Check(const RequestHead& head, std::string_view path,
                                     Exposure exposure) const {
  if (auto refusal = CheckHost(head)) return refusal;
  if (auto refusal = CheckOrigin(head, path)) return refusal;
  if (exposure == Exposure::kGuarded && keys_) return CheckKey(head);
  return std::nullopt;
}

const std::string* Access::CorsOrigin(const RequestHead& head) const {
  const auto found = std::ranges::find(rules_.cors_origins, Value(head, "origin"));
  return found == rules_.cors_origins.end() ? nullptr : &*found;
}

std::optional<Refusal> Access::CheckHost(const RequestHead& head) const {
  const std::optional<std::string> name = HostName(Value(head, "host"));
  if (name && (*name == "localhost" || IsIpAddress(*name) ||
               std::ranges::find(rules_.allowed_hosts, *name) != rules_.allowed_hosts.end())) {
    return std::nullopt;
  }
  return Refusal{421, "unknown_host",
                 "Host: expected an IP address, localhost or a name that --allowed-host gives"};
}

std::optional<Refusal> Access::CheckOrigin(const RequestHead& head, std::string_view path) const {
  if (CorsOrigin(head) != nullptr) return std::nullopt;
  const std::string_view site = Value(head, "sec-fetch-site");
  const bool opens_page =
      head.method == "GET" && path == "/" && Value(head, "sec-fetch-mode") == "navigate";
  if (!site.empty() && site != "none" && site != "same-origin" && !opens_page) {
    return Refusal{403, "cross_site", "pages of other sites may not ask; see --cors-origin"};
  }
  if (head.Find("origin") != nullptr && !FromOwnPage(head)) {
    return Refusal{403, "cross_origin",
                   "Origin: pages of other origins may not ask; see --cors-origin"};
  }
  return std::nullopt;
}

// Other types a page of any site could send without being asked by the browser whether it may.
std::optional<Refusal> Access::CheckContentType(const RequestHead& head) {
  if (head.method != "POST") return std::nullopt;
  for (const HttpField& field : head.fields) {
    if (field.name == "content-encoding" && Lower(WithoutBlanks(field.value)) != "identity") {
      return Refusal{415, "unsupported_content_encoding",
                     "Content-Encoding: expected none, since bodies are taken as they are"};
    }
  }
  if (MediaType(head) == "application/json" || HasPictureBody(head)) return std::nullopt;
  return Refusal{415, "unsupported_media_type",
                 "Content-Type: expected application/json, or image/* with a picture as the body"};
}

std::optional<Refusal> Access::CheckKey(const RequestHead& head) const {
  const std::string_view authorization = Value(head, "authorization");
  if (Lower(authorization.substr(0, 7)) == "bearer ") {
    if (keys_->Find(WithoutBlanks(authorization.substr(7)))) return std::nullopt;
    return Refusal{401, "invalid_api_key", "Authorization: the key is none of this service's"};
  }
  if (const auto secret = SessionCookie(head)) {
    const bool by_own_page = Value(head, "sec-fetch-site") == "same-origin" || FromOwnPage(head);
    if (by_own_page && sessions_->Has(*secret)) return std::nullopt;
  }
  return Refusal{401, "missing_api_key", "expected a key: Authorization: Bearer KEY"};
}

std::optional<std::string> SessionCookie(const RequestHead& head) {
  for (const HttpField& field : head.fields) {
    if (field.name != "cookie") continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = WithoutBlanks(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == kSessionCookie) {
        return std::string(pair.substr(equals + 1));
      }
    }
  }
  return std::nullopt;
}

}  // namespace siglip::server
