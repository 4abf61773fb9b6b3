// Writing to a file to the end, whatever interrupts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace siglip {

/// Writes all of `bytes` at `offset`. Returns false, with errno set, when that fails.
bool WriteFully(int file, std::span<const std::byte> bytes, uint64_t offset);

}  // namespace siglip
