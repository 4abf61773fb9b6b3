#include "index/score_rounding.h"

#include <bit>

#include "kernels/kernels.h"

namespace siglip {

double ScoreRounding(size_t dimensions) {
  constexpr double kUnit = 0x1p-24;
  constexpr size_t kAdditions = std::bit_width(kPartialSums) - 1;
  const size_t roundings = (dimensions + kPartialSums - 1) / kPartialSums + kAdditions;
  const double product = static_cast<double>(roundings) * kUnit;
  return product / (1 - product);
}

double ScoreUnderflow(size_t dimensions) {
  return static_cast<double>(dimensions + kPartialSums) * 0x1p-149;
}

}  // namespace siglip
