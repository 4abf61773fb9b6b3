// URLs of http and https (RFC 3986), read strictly: what could be taken for two things is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siglip {

/// An absolute URL in its parts. The fragment, which is never sent, is left out.
struct Url {
  std::string scheme;                // "http" or "https"
  std::string user;                  // "name" or "name:password"; may be empty
  std::string host;                  // in lower case; an IPv6 address in its brackets
  std::optional<uint16_t> port;      // where the URL names another than the scheme's own
  std::string path;                  // empty, or with a slash at its beginning
  std::optional<std::string> query;  // without "?"

  /// "host" or "host:port".
  std::string Server() const;
  std::string ToString() const;
};

/// Nothing for what is no http or https URL by the grammar of RFC 3986. Of the hosts that it allows
/// these are taken: letters, digits, '-', '_' and '.', and IPv6 addresses without a zone.
std::optional<Url> ParseUrl(std::string_view text);

/// "scheme://host:port": what must be equal for two URLs to lead to the same server. Throws
/// Error(kMalformedFile) for what is no http or https URL.
std::string OriginOf(const std::string& url);

/// The URL that `location`, which may be relative, means in an answer to a request for `url` (RFC
/// 3986, section 5.2), without its fragment. Throws as OriginOf does.
std::string ResolveLocation(const std::string& url, const std::string& location);

/// For errors: what follows "?" may be a signature that gives access.
std::string WithoutQuery(const std::string& url);

/// The text as one part of a URL's path.
std::string PercentEncoded(const std::string& text);

}  // namespace siglip
