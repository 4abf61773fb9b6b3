#include "index/rounded_query.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "expect_error.h"
#include "index/byte_vector.h"
#include "index/search_test_support.h"
#include "kernels/reference.h"

namespace siglip {
namespace {

/// What share of its bound the error of an estimate is.
double ShareOfBound(const std::vector<float>& query, const std::vector<uint16_t>& halves) {
  std::vector<int8_t> bytes(halves.size());
  const ByteVector vector = RoundToBytes(halves, bytes, [] { return std::string(); });
  const RoundedQuery rounded(query, vector.norm);
  EXPECT_EQ(rounded.bytes().size() % 64, 0);
  bytes.resize(rounded.bytes().size(), 77);  // what lies behind a vector does not matter
  const int64_t sum = reference::DotBytes(rounded.bytes(), bytes, bytes.size(), 1)[0];
  const double estimate = rounded.Estimate(static_cast<int32_t>(sum), vector.scale);
  const double error = std::abs(reference::DotHalves(query, halves) - estimate);
  const double bound = rounded.Bound(vector.residual);
  EXPECT_LE(error, bound) << halves.size() << " dimensions";
  return error / bound;
}

TEST(RoundedQueryTest, BoundHoldsForRandomVectors) {
  std::mt19937 generator(1);
  for (size_t dimensions : {1U, 3U, 16U, 17U, 128U, 768U, 1152U}) {
    for (float length : {1e-30F, 0.01F, 1.0F, 1e4F, 1e30F}) {
      for (int trial = 0; trial < 50; ++trial) {
        std::vector<float> query = RandomDirection(dimensions, generator);
        for (float& value : query) value *= length;
        ShareOfBound(query, ToHalves(RandomDirection(dimensions, generator)));
      }
    }
  }
}

// All that is lost has the sign of what it is multiplied with.
TEST(RoundedQueryTest, BoundHoldsWhereAllIsLostOneWay) {
  double largest_by_vector = 0;
  double largest_by_query = 0;
  for (size_t dimensions : {16U, 128U, 768U, 1152U}) {
    // Nearly half a step above a whole one, but for the largest, which is what steps come from.
    for (int step = 1; step < 20; ++step) {
      std::vector<float> off(dimensions, (static_cast<float>(step) + 0.46875F) / 128);
      off.front() = 127.0F / 128;
      const std::vector<float> exact(dimensions, 1.0F);
      largest_by_vector = std::max(largest_by_vector, ShareOfBound(exact, ToHalves(off)));
      largest_by_query = std::max(largest_by_query, ShareOfBound(off, ToHalves(exact)));
    }
  }
  // The bound is needed nearly as it is.
  EXPECT_GT(largest_by_vector, 0.9);
  EXPECT_GT(largest_by_query, 0.9);
}

// Bytes lose next to nothing here; what is left are the roundings of the score.
TEST(RoundedQueryTest, BoundHoldsWhereOnlyTheScoreIsRounded) {
  std::mt19937 generator(2);
  double largest = 0;
  for (size_t dimensions : {128U, 768U, 1152U}) {
    for (int trial = 0; trial < 200; ++trial) {
      const float value = 0.5F + static_cast<float>(generator() % 1000000) * 1e-6F;
      const std::vector<float> query(dimensions, value);
      const std::vector<uint16_t> ones(dimensions, 0x3C00);
      largest = std::max(largest, ShareOfBound(query, ones));
    }
  }
  EXPECT_GT(largest, 0.01) << "not a test of these roundings";
}

TEST(RoundedQueryTest, BoundHoldsWhereNumbersVanish) {
  const float tiniest = std::numeric_limits<float>::denorm_min();
  for (size_t dimensions : {1U, 16U, 1152U}) {
    for (float value : {tiniest, 3 * tiniest, 1e-40F, 1e-37F}) {
      for (uint16_t half : {0x0001, 0x0003, 0x3BFF, 0x3800, 0x3C00, 0x7BFF}) {
        ShareOfBound(std::vector(dimensions, value), std::vector(dimensions, half));
      }
    }
  }
}

TEST(RoundedQueryTest, RefusesWhatCannotBeSearchedFor) {
  const auto expect = [](const std::vector<float>& query, double norm, const std::string& reason) {
    ExpectError(ErrorCode::kInvalidArgument, {"query", reason}, [&] { RoundedQuery(query, norm); });
  };
  expect({}, 1, "dimensions");
  expect(std::vector<float>(kMostDimensions + 1, 1.0F), 1, "dimensions");
  expect({0.0F, -0.0F}, 1, "zero");
  for (float value : {NAN, INFINITY, -INFINITY}) expect({1.0F, value}, 1, "finite");
  expect({3e38F, 3e38F}, 1, "infinite");
  expect({1e35F}, 65504, "infinite");
}

}  // namespace
}  // namespace siglip
