// What the tests of hashes share.
#pragma once

#include <cstddef>
#include <string>

namespace siglip {

/// This many bytes of all values, in an order that does not repeat soon.
inline std::string VariedBytes(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 131 + (i >> 5));
  return bytes;
}

}  // namespace siglip
