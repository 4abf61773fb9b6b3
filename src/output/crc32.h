// The check sum of ZIP archives, and of journals.
#pragma once

#include <cstdint>
#include <string_view>

namespace siglip {

/// CRC-32 (ISO 3309, as zlib's) of bytes that follow others whose sum is `before`.
uint32_t Crc32(std::string_view bytes, uint32_t before = 0);

}  // namespace siglip
