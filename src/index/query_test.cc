#include "index/query.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "expect_error.h"
#include "index/search_test_support.h"
#include "kernels/compute_runtime.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

constexpr size_t kQueryDimensions = 12;

class QueryTest : public testing::Test {
 protected:
  static std::vector<uint16_t> SampleOf(const StoredVectors& vectors) {
    std::vector<uint16_t> sample;
    for (const auto& [id, halves] : vectors)
      sample.insert(sample.end(), halves.begin(), halves.end());
    return sample;
  }
  std::vector<float> Combine(const std::vector<uint16_t>& sample,
                             const std::vector<QueryPart>& parts) const {
    return CombineParts(Kernel(), sample, parts, kQueryDimensions);
  }
  const Kernels& Kernel() const { return ComputeRuntime::From(*runtime_).kernels(); }

  const std::shared_ptr<const Runtime> runtime_ =
      Runtime::Create({.threads = 1, .instruction_set = {}});
  const std::vector<uint16_t> sample_ = SampleOf(ClusteredVectors(150, kQueryDimensions, 3));
};

using Vector = std::vector<double>;

Vector Unit(const std::vector<float>& vector) {
  double squares = 0;
  for (const double value : vector) squares += value * value;
  Vector unit;
  for (const double value : vector) unit.push_back(value / std::sqrt(squares));
  return unit;
}

/// Mean and deviation of the scores, by their definition.
std::pair<double, double> Spread(const std::vector<uint16_t>& sample, const Vector& query) {
  Vector scores;
  for (size_t row = 0; row < sample.size() / query.size(); ++row) {
    double score = 0;
    for (size_t i = 0; i < query.size(); ++i) {
      score += query[i] * Float16ToFloat(sample[row * query.size() + i]);
    }
    scores.push_back(score);
  }
  double mean = 0;
  for (const double score : scores) mean += score / static_cast<double>(scores.size());
  double variance = 0;
  for (const double score : scores) {
    variance += std::pow(score - mean, 2) / static_cast<double>(scores.size());
  }
  return {mean, std::sqrt(variance)};
}

void ExpectNear(const std::vector<float>& found, const Vector& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << i;
}

TEST_F(QueryTest, SpreadIsThatOfTheScores) {
  std::mt19937 generator(5);
  const std::vector<float> direction = RandomDirection(kQueryDimensions, generator);
  const std::vector<float> query = Combine(sample_, {{.vector = direction}});
  const auto [mean, deviation] = Spread(sample_, Unit(direction));
  const auto found = SpreadOf(Kernel(), sample_, query);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->mean, mean, 1e-6);
  EXPECT_NEAR(found->deviation, deviation, 1e-6);
  EXPECT_FALSE(SpreadOf(Kernel(), {}, query));
}

TEST_F(QueryTest, ALonePartIsOnlyMadeANormOfOne) {
  std::mt19937 generator(6);
  for (const float factor : {1e-20F, 1.0F, 1e15F}) {
    std::vector<float> vector = RandomDirection(kQueryDimensions, generator);
    for (float& value : vector) value *= factor;
    ExpectNear(Combine(sample_, {{.vector = vector}}), Unit(vector));
    ExpectNear(Combine({}, {{.vector = vector, .weight = 3}}), Unit(vector));
  }
}

TEST_F(QueryTest, ALonePartOfNegativeWeightIsTurnedAround) {
  std::mt19937 generator(6);
  std::vector<float> vector = RandomDirection(kQueryDimensions, generator);
  const std::vector<float> found = Combine({}, {{.vector = vector, .weight = -3}});
  for (float& value : vector) value = -value;
  ExpectNear(found, Unit(vector));
}

TEST_F(QueryTest, PartsAreDividedByTheDeviationOfTheirScores) {
  std::mt19937 generator(7);
  const std::vector<double> weights = {1, -0.5, 2.5};
  std::vector<QueryPart> parts;
  Vector sum(kQueryDimensions);
  for (const double weight : weights) {
    const std::vector<float> vector = RandomDirection(kQueryDimensions, generator);
    parts.push_back({.vector = vector, .weight = weight});
    const Vector unit = Unit(vector);
    const double deviation = Spread(sample_, unit).second;
    for (size_t i = 0; i < kQueryDimensions; ++i) sum[i] += weight * unit[i] / deviation;
  }
  ExpectNear(Combine(sample_, parts), Unit({sum.begin(), sum.end()}));
}

TEST_F(QueryTest, WhereScoresDoNotDifferNothingIsCombined) {
  std::mt19937 generator(8);
  const std::vector<float> vector = RandomDirection(kQueryDimensions, generator);
  const std::vector<QueryPart> parts = {{.vector = vector}, {.vector = vector}};
  const std::vector<uint16_t> one(sample_.begin(), sample_.begin() + kQueryDimensions);
  for (const std::vector<uint16_t>& sample : {std::vector<uint16_t>(), one}) {
    ExpectError(ErrorCode::kInvalidArgument, {"do not differ", "search for one part"},
                [&] { Combine(sample, parts); });
  }
}

TEST_F(QueryTest, PartsThatCancelOut) {
  std::mt19937 generator(9);
  std::vector<float> vector = RandomDirection(kQueryDimensions, generator);
  std::vector<float> opposite = vector;
  for (float& value : opposite) value = -value;
  const QueryPart part = {.vector = vector};
  for (const QueryPart& other :
       {QueryPart{.vector = vector, .weight = -1}, QueryPart{.vector = opposite}}) {
    ExpectError(ErrorCode::kInvalidArgument, {"cancel out", "other weights"}, [&] {
      Combine(sample_, {part, other});
    });
  }
  ExpectError(ErrorCode::kInvalidArgument, {"cancel out"}, [&] {
    Combine(sample_, {{.vector = vector, .weight = 0}, {.vector = opposite, .weight = 0}});
  });
  // Little is left, but more than rounding.
  ExpectNear(Combine(sample_, {part, {.vector = vector, .weight = -0.999}}), Unit(vector));
}

TEST_F(QueryTest, WhatIsNoQuery) {
  const std::vector<float> good(kQueryDimensions, 1.0F);
  ExpectError(ErrorCode::kInvalidArgument, {"nothing"}, [&] { Combine(sample_, {}); });
  ExpectError(ErrorCode::kMismatch, {"12", "11"},
              [&] { Combine(sample_, {{.vector = std::vector<float>(11, 1.0F)}}); });
  for (const float value : {0.0F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    std::vector<float> bad(kQueryDimensions, 0.0F);
    bad[3] = value;
    ExpectError(ErrorCode::kInvalidArgument, {"finite"},
                [&] { Combine(sample_, {{.vector = bad}}); });
    ExpectError(ErrorCode::kInvalidArgument, {"finite"}, [&] {
      Combine(sample_, {{.vector = good}, {.vector = bad}});
    });
  }
  for (const double weight : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    ExpectError(ErrorCode::kInvalidArgument, {"finite weights"}, [&] {
      Combine(sample_, {{.vector = good}, {.vector = good, .weight = weight}});
    });
  }
}

}  // namespace
}  // namespace siglip
