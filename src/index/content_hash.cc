#include "index/content_hash.h"

#include <algorithm>
#include <charconv>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace siglip {

ContentHash HashContent(std::span<const std::byte> bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  return std::to_array(canonical.digest);
}

std::string ToHex(const ContentHash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<ContentHash> ContentHashFromHex(std::string_view digits) {
  ContentHash hash = {};
  if (digits.size() != 2 * hash.size()) return std::nullopt;
  for (size_t i = 0; i < hash.size(); ++i) {
    const char* const begin = digits.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, hash[i], 16);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
  }
  if (ToHex(hash) != digits) return std::nullopt;
  return hash;
}

ContentHash ContentHashFromBytes(std::span<const std::byte> bytes) {
  ContentHash hash = {};
  std::ranges::transform(bytes.first(std::min(bytes.size(), hash.size())), hash.begin(),
                         [](std::byte byte) { return std::to_integer<uint8_t>(byte); });
  return hash;
}

}  // namespace siglip
