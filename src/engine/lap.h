// What a stage took.
#pragma once

#include <chrono>

namespace siglip {

inline double ToSeconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// A few per picture, too few to be felt.
class Lap {
 public:
  double Seconds() const { return ToSeconds(std::chrono::steady_clock::now() - start_); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace siglip
