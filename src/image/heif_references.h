// Which items of an HEIF file are made of which others.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace siglip {

/// How many items are decoded, at the most, where each is decoded as often as others are made of
/// it: the tiles of a grid, what an overlay shows, a picture's alpha. Nothing where one is made of
/// itself, which libheif would decode without end. What is damaged counts as far as it can be read.
/// Source: ISO/IEC 14496-12 (ItemReferenceBox), ISO/IEC 23008-12 (derived image items).
std::optional<uint64_t> CountHeifItems(std::string_view file);

}  // namespace siglip
