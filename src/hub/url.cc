// See url.h. The words are those of RFC 3986.
#include "hub/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "hub/characters.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";
constexpr std::string_view kSubDelimiters = "!$&'()*+,;=";

bool IsUnreserved(char character) {
  return IsLetterOrDigit(character) || IsOneOf(character, "-._~");
}

/// Whether `text` consists of unreserved characters, sub-delims, percent-encoded bytes and `more`.
bool ConsistsOf(std::string_view text, std::string_view more) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !IsOneOf(text[i + 1], kHexDigits) ||
          !IsOneOf(text[i + 2], kHexDigits)) {
        return false;
      }
      i += 2;
    } else if (!IsUnreserved(text[i]) && !IsOneOf(text[i], kSubDelimiters) &&
               !IsOneOf(text[i], more)) {
      return false;
    }
  }
  return true;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

uint16_t DefaultPort(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

/// relative-part [ "?" query ] [ "#" fragment ], the fragment dropped.
struct Reference {
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
};

/// Takes what follows the first `delimiter` off the end of `text`.
std::optional<std::string_view> TakeBehind(char delimiter, std::string_view& text) {
  const size_t position = text.find(delimiter);
  if (position == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text.substr(position + 1);
  text = text.substr(0, position);
  return behind;
}

/// Nothing if there is a character that does not belong there. The authority is not looked into.
std::optional<Reference> ParseReference(std::string_view text) {
  Reference reference;
  const auto fragment = TakeBehind('#', text);
  reference.query = TakeBehind('?', text);
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    reference.authority = text.substr(0, text.find('/'));
    text.remove_prefix(reference.authority->size());
  }
  reference.path = text;
  if (!ConsistsOf(text, ":@/") || !ConsistsOf(reference.query.value_or(""), ":@/?") ||
      !ConsistsOf(fragment.value_or(""), ":@/?")) {
    return std::nullopt;
  }
  return reference;
}

bool IsIpv6(const std::string& address) {
  in6_addr bytes = {};
  return address.find('\0') == std::string::npos &&
         ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
}

/// [ userinfo "@" ] host [ ":" port ]; `url` has its scheme already.
bool ParseAuthority(std::string_view text, Url& url) {
  url.user.clear();
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    url.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  const size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) return false;
  const size_t host_size = std::min(text.find(':', bracket), text.size());
  url.host = LowerCase(text.substr(0, host_size));
  url.port.reset();
  if (bracket != 0) {
    if (host_size != bracket + 1 || !IsIpv6(url.host.substr(1, bracket - 1))) return false;
  } else if (!std::ranges::all_of(url.host,
                                  [](char c) { return IsLetterOrDigit(c) || IsOneOf(c, "-_."); })) {
    return false;
  }
  const std::string_view port = text.substr(std::min(host_size + 1, text.size()));
  if (!port.empty()) {  // "host:" has the scheme's own
    uint16_t number = 0;
    const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (status != std::errc() || end != port.data() + port.size() || number == 0) return false;
    if (number != DefaultPort(url.scheme)) url.port = number;
  }
  return !url.host.empty() && ConsistsOf(url.user, ":");
}

/// Section 5.2.4, of a path with a slash at its beginning.
std::string RemoveDotSegments(std::string_view path) {
  std::string output;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));  // with the slash before it
    path.remove_prefix(segment.size());
    const bool up = segment == "/..";
    if (up && !output.empty()) output.resize(output.rfind('/'));
    if (!up && segment != "/.") {
      output += segment;
    } else if (path.empty()) {
      output += '/';
    }
  }
  return output;
}

/// Section 5.2.2: `reference` has no scheme.
std::optional<Url> Resolve(const Url& base, const Reference& reference) {
  Url target = base;
  if (reference.authority) {
    if (!ParseAuthority(*reference.authority, target)) return std::nullopt;
    target.path = RemoveDotSegments(reference.path);
  } else if (reference.path.empty()) {
    if (!reference.query) return target;
  } else if (reference.path.starts_with('/')) {
    target.path = RemoveDotSegments(reference.path);
  } else {
    std::string path = base.path.empty() ? "/" : base.path.substr(0, base.path.rfind('/') + 1);
    target.path = RemoveDotSegments(path.append(reference.path));
  }
  target.query = reference.query;
  return target;
}

Error NoUrl(const std::string& url) {
  constexpr size_t kMostShown = 200;
  return Error(ErrorCode::kMalformedFile, "expected an http or https URL, found '" +
                                              WithoutQuery(url).substr(0, kMostShown) + "'");
}

}  // namespace

std::string Url::Server() const { return port ? host + ":" + std::to_string(*port) : host; }

std::string Url::ToString() const {
  return scheme + "://" + (user.empty() ? "" : user + "@") + Server() + path +
         (query ? "?" + *query : "");
}

std::optional<Url> ParseUrl(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Url url;
  url.scheme = LowerCase(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  const std::optional<Reference> rest = ParseReference(text.substr(colon + 1));
  if (!rest || !rest->authority || !ParseAuthority(*rest->authority, url)) return std::nullopt;
  url.path = rest->path;
  url.query = rest->query;
  return url;
}

std::string OriginOf(const std::string& url) {
  const std::optional<Url> parsed = ParseUrl(url);
  if (!parsed) throw NoUrl(url);
  return parsed->scheme + "://" + parsed->host + ":" +
         std::to_string(parsed->port.value_or(DefaultPort(parsed->scheme)));
}

std::string ResolveLocation(const std::string& url, const std::string& location) {
  const std::optional<Url> base = ParseUrl(url);
  if (!base) throw NoUrl(url);
  std::optional<Url> target;
  const size_t delimiter = location.find_first_of(":/?#");
  if (delimiter != std::string::npos && location[delimiter] == ':') {  // has a scheme
    target = ParseUrl(location);
    if (target) target->path = RemoveDotSegments(target->path);
  } else if (const std::optional<Reference> reference = ParseReference(location)) {
    target = Resolve(*base, *reference);
  }
  if (!target) throw NoUrl(location);
  return target->ToString();
}

std::string WithoutQuery(const std::string& url) { return url.substr(0, url.find('?')); }

std::string PercentEncoded(const std::string& text) {
  constexpr std::string_view kUpperDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (IsUnreserved(character)) {
      encoded += character;
    } else {
      encoded += {'%', kUpperDigits[byte >> 4], kUpperDigits[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace siglip
