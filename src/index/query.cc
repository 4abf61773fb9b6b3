#include "index/query.h"

#include <cmath>
#include <string>

#include "siglip/error.hpp"

namespace siglip {
namespace {

/// Less is left of vectors that cancel out: of rounding, mostly.
constexpr double kLeastNorm = 1e-6;

double NormOf(std::span<const double> vector) {
  double sum = 0;
  for (const double value : vector) sum += value * value;
  return std::sqrt(sum);
}

std::vector<float> DividedBy(double norm, std::span<const double> vector) {
  std::vector<float> result;
  result.reserve(vector.size());
  for (const double value : vector) result.push_back(static_cast<float>(value / norm));
  return result;
}

std::vector<float> Normalized(std::span<const float> vector, int64_t dimensions) {
  if (static_cast<int64_t>(vector.size()) != dimensions) {
    throw Error(ErrorCode::kMismatch, "query: expected a vector of " + std::to_string(dimensions) +
                                          " numbers, as the index has, found " +
                                          std::to_string(vector.size()));
  }
  const std::vector<double> values(vector.begin(), vector.end());
  const double norm = NormOf(values);
  if (!std::isfinite(norm) || norm == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "query: expected a vector of finite numbers, not all zero");
  }
  return DividedBy(norm, values);
}

}  // namespace

std::optional<ScoreSpread> SpreadOf(const Kernels& kernels, std::span<const uint16_t> sample,
                                    std::span<const float> query) {
  const size_t count = sample.size() / query.size();
  if (count == 0) return std::nullopt;
  std::vector<float> scores(count);
  kernels.dot_halves(query.data(), query.size(), sample.data(), query.size(), count, scores.data());
  ScoreSpread spread;
  for (const float score : scores) spread.mean += score;
  spread.mean /= static_cast<double>(count);
  for (const float score : scores) spread.deviation += std::pow(score - spread.mean, 2);
  spread.deviation = std::sqrt(spread.deviation / static_cast<double>(count));
  return spread;
}

std::vector<float> CombineParts(const Kernels& kernels, std::span<const uint16_t> sample,
                                const std::vector<QueryPart>& parts, int64_t dimensions) {
  if (parts.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "query: expected words or pictures, found nothing");
  }
  if (parts.size() == 1) {
    std::vector<float> lone = Normalized(parts.front().vector, dimensions);
    if (parts.front().weight < 0) {
      for (float& value : lone) value = -value;
    }
    return lone;
  }
  // Texts and pictures have means and spreads of their own: added up as they are, one kind would
  // drown the other.
  std::vector<double> sum(static_cast<size_t>(dimensions));
  for (const QueryPart& part : parts) {
    const std::vector<float> vector = Normalized(part.vector, dimensions);
    const std::optional<ScoreSpread> spread = SpreadOf(kernels, sample, vector);
    if (!std::isfinite(part.weight)) {
      throw Error(ErrorCode::kInvalidArgument, "query: expected finite weights");
    }
    if (!spread || !(spread->deviation > 0)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "query: parts are combined by the spread of their scores, but here these do not "
                  "differ",
                  "search for one part, or index more pictures");
    }
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += part.weight / spread->deviation * vector[i];
  }
  const double norm = NormOf(sum);
  if (!(norm >= kLeastNorm)) {
    throw Error(ErrorCode::kInvalidArgument, "query: its parts cancel out",
                "give them other weights");
  }
  return DividedBy(norm, sum);
}

}  // namespace siglip
