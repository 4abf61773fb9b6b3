// What tells whether two files have the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace siglip {

/// XXH3 of 128 bits in its canonical form: the most significant byte first.
using ContentHash = std::array<uint8_t, 16>;

ContentHash HashContent(std::span<const std::byte> bytes);

/// 32 hexadecimal digits.
std::string ToHex(const ContentHash& hash);

/// What ToHex gave; nothing for any other text.
std::optional<ContentHash> ContentHashFromHex(std::string_view digits);

/// Of the 16 bytes that a database holds.
ContentHash ContentHashFromBytes(std::span<const std::byte> bytes);

}  // namespace siglip
