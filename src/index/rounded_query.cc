#include "index/rounded_query.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "index/byte_vector.h"
#include "index/score_rounding.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr size_t kQueryAlignment = 64;
/// What `Estimate` and `Bound` lose as double, relative to the largest product there can be: five
/// operations with 2^-53 each, and more.
constexpr double kDoubleRoundings = 0x1p-48;
constexpr double kLongestProduct = 1e38;  // floats end at 3.4e38

}  // namespace

RoundedQuery::RoundedQuery(std::span<const float> query, double largest_norm) {
  if (query.empty() || query.size() > static_cast<size_t>(kMostDimensions)) {
    throw Error(ErrorCode::kInvalidArgument,
                "query: expected 1 to " + std::to_string(kMostDimensions) + " dimensions, found " +
                    std::to_string(query.size()));
  }
  double largest = 0;
  double squares = 0;
  for (const float value : query) {
    if (!std::isfinite(value)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "query: expected finite numbers, found " + std::to_string(value));
    }
    largest = std::max(largest, static_cast<double>(std::abs(value)));
    squares += static_cast<double>(value) * value;
  }
  if (largest == 0) throw Error(ErrorCode::kInvalidArgument, "query: is zero");
  const double norm = std::sqrt(squares) * kOutward;
  if (norm * std::max(largest_norm, 1.0) > kLongestProduct) {
    throw Error(ErrorCode::kInvalidArgument,
                "query: its norm is " + std::to_string(norm) + ", scores would be infinite");
  }

  scale_ = largest / 127;
  bytes_.resize((query.size() + kQueryAlignment - 1) / kQueryAlignment * kQueryAlignment);
  double lost_squares = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const double steps = std::clamp(std::nearbyint(query[i] / scale_), -127.0, 127.0);
    bytes_[i] = static_cast<int8_t>(steps);
    const double lost = query[i] - scale_ * steps;
    lost_squares += lost * lost;
  }
  // The two operations that give a part of it round, together by less than 2^-51 of the query's
  // number.
  const double lost = std::sqrt(lost_squares) * kOutward + norm * 0x1p-51;

  // With q = q' + e, q' being the bytes times their scale, and x' those of the vector:
  //   q.x - q'.x' = q.(x - x') + e.x'
  //   |q.x - q'.x'| <= |q| residual + |e| (|x| + residual)
  // The estimate is q'.x' but for roundings of double, at most (|q| + |e|) (|x| + residual) times
  // kDoubleRoundings; so are the roundings of the bound itself and of estimate + bound.
  const double product = norm + lost;
  per_residual_ = product * (1 + kDoubleRoundings) * kOutward;
  least_ =
      (largest_norm * (lost + norm * ScoreRounding(query.size()) + product * kDoubleRoundings) +
       ScoreUnderflow(query.size())) *
      kOutward;
}

}  // namespace siglip
