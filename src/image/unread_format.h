// Formats of pictures that are recognised only to say their name.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace siglip {

/// The format of a file that begins with `head` (140 bytes are enough) where it is one that is not
/// read, such as "JPEG 2000"; else empty.
std::string UnreadFormat(std::span<const std::byte> head);

}  // namespace siglip
