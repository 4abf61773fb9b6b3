// Writing to a file to the end, whatever interrupts it.
#pragma once

#include <cstdint>
#include <string_view>

namespace siglip::cli {

/// Writes all of `bytes` at `offset`. Returns false, with errno set, when that fails.
bool WriteFully(int file, std::string_view bytes, uint64_t offset);

}  // namespace siglip::cli
