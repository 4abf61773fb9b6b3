// Numbers as people and programs read them.
#pragma once

#include <cstdint>
#include <string>

namespace siglip::cli {

/// "92.9 M": three digits or more, powers of 1000.
std::string FormatCount(int64_t count);
/// "371.6 MB": likewise.
std::string FormatBytes(int64_t bytes);
/// With this many digits behind the point.
std::string FormatNumber(double value, int digits);

}  // namespace siglip::cli
