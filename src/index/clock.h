// The time of the day, as an index notes it.
#pragma once

#include <chrono>
#include <cstdint>

namespace siglip {

/// Since 1970.
inline int64_t NanosecondsNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

/// Since 1970.
inline int64_t SecondsNow() { return NanosecondsNow() / 1'000'000'000; }

}  // namespace siglip
