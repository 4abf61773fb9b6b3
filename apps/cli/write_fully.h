// Writing to a file descriptor to the end, whatever interrupts it.
#pragma once

#include <cstdint>
#include <string_view>

namespace siglip::cli {

/// Writes all of `bytes` at `offset`, or at the current position for a file that has none (-1).
/// Returns false, with errno set, when that fails.
bool WriteFully(int file, std::string_view bytes, int64_t offset);

}  // namespace siglip::cli
