// A query rounded to bytes, and how far from a score its estimate can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace siglip {

/// Scores are those of Kernels::dot_halves with the query as it is; nothing is normalised.
class RoundedQuery {
 public:
  /// For vectors of the query's dimensions that are no longer than `largest_norm`. Throws
  /// Error(kInvalidArgument) when the query is not finite, zero, of more than kMostDimensions, or
  /// so long that scores would be infinite.
  RoundedQuery(std::span<const float> query, double largest_norm);

  /// Filled up with zeros to a multiple of 64.
  std::span<const int8_t> bytes() const { return bytes_; }

  /// Of the score of a vector rounded to bytes with `scale`; `sum` is the exact sum of their
  /// products with bytes().
  double Estimate(int32_t sum, float scale) const { return sum * (scale_ * scale); }
  /// No score is further from its estimate, if `residual` is that of ByteVector.
  double Bound(float residual) const { return residual * per_residual_ + least_; }

 private:
  std::vector<int8_t> bytes_;
  double scale_;         // of bytes_
  double per_residual_;  // how much a residual moves a score
  double least_;         // the bound of a vector that is exact in bytes
};

}  // namespace siglip
