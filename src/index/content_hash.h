// Hashes of contents as text and as a database holds them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "siglip/index.hpp"

namespace siglip {

/// 32 hexadecimal digits.
std::string ToHex(const ContentHash& hash);

/// What ToHex gave; nothing for any other text.
std::optional<ContentHash> ContentHashFromHex(std::string_view digits);

/// Of the 16 bytes that a database holds.
ContentHash ContentHashFromBytes(std::span<const std::byte> bytes);

}  // namespace siglip
