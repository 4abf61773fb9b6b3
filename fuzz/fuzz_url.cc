// A URL and a location that an answer to it names, one per line: refused, or a URL that is read as
// what it was written as and that holds nothing a server or log could take for something else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "hub/url.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool IsPlain(std::string_view text) {
  for (const char character : text) {
    if (character <= ' ' || character >= 0x7F ||
        std::string_view("\\\"<>^`{|}#").find(character) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool HasDotSegments(const std::string& path) {
  const std::string closed = path + "/";
  return closed.find("/./") != std::string::npos || closed.find("/../") != std::string::npos;
}

/// Nothing if it is refused.
std::optional<std::string> Resolved(const std::string& url, const std::string& location) {
  try {
    return ResolveLocation(url, location);
  } catch (const Error& error) {
    Require(error.code() == ErrorCode::kMalformedFile);
    return std::nullopt;
  }
}

void Run(std::string_view text) {
  const size_t end = text.find('\n');
  const std::string url(text.substr(0, end));
  const std::string location(end == text.npos ? "" : text.substr(end + 1));

  const std::optional<Url> base = ParseUrl(url);
  const std::optional<std::string> resolved = Resolved(url, location);
  if (!base) {
    Require(!resolved);
    return;
  }
  const std::string written = base->ToString();
  Require(IsPlain(written) && IsPlain(base->host) && !base->host.empty());
  Require(ParseUrl(written)->ToString() == written && OriginOf(written) == OriginOf(url));
  Require(base->path.empty() || base->path.front() == '/');
  if (!resolved) return;

  const std::optional<Url> target = ParseUrl(*resolved);
  Require(target && target->ToString() == *resolved && IsPlain(*resolved));
  // It stands for itself, whatever it is seen from.
  if (!HasDotSegments(target->path)) Require(Resolved(url, *resolved) == resolved);
  const bool inherits_path = location.empty() || location.front() == '?' || location.front() == '#';
  if (!inherits_path) Require(!HasDotSegments(target->path));
  // Only what names a server leads to another one.
  if (location.find(':') == std::string::npos && !location.starts_with("//")) {
    Require(OriginOf(*resolved) == OriginOf(url));
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
