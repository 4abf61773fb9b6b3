#include "index/byte_vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "expect_error.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

std::string Name() { return "the vector"; }

/// Checks the numbers of `halves` against their definitions, in long double.
void ExpectHolds(const std::vector<uint16_t>& halves) {
  std::vector<int8_t> bytes(halves.size() + 1, 77);
  const ByteVector vector = RoundToBytes(halves, std::span(bytes).first(halves.size()), Name);
  EXPECT_EQ(bytes.back(), 77);
  long double squares = 0;
  long double lost_squares = 0;
  for (size_t i = 0; i < halves.size(); ++i) {
    const long double value = Float16ToFloat(halves[i]);
    const long double lost = value - static_cast<long double>(vector.scale) * bytes[i];
    EXPECT_GE(bytes[i], -127);
    // The quotient of up to 127 is rounded before it becomes a whole number.
    EXPECT_LE(std::abs(lost), vector.scale * (0.5L + 0x1p-17L)) << "not the nearest step";
    squares += value * value;
    lost_squares += lost * lost;
  }
  EXPECT_GE(vector.norm, std::sqrt(squares));
  EXPECT_LE(vector.norm, std::sqrt(squares) * 1.000001L);
  EXPECT_GE(vector.residual, std::sqrt(lost_squares));
  EXPECT_LE(vector.residual, std::sqrt(lost_squares) * 1.000001L);
}

TEST(ByteVectorTest, BoundsHoldAndAreTight) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  for (size_t size : {1U, 2U, 3U, 17U, 128U, 768U, 1152U}) {
    for (float spread : {1e-7F, 1e-5F, 0.036F, 1.0F, 10000.0F}) {
      std::vector<uint16_t> halves(size);
      for (uint16_t& half : halves) {
        half = FloatToFloat16(std::clamp(normal(generator) * spread, -65504.0F, 65504.0F));
      }
      ExpectHolds(halves);
    }
  }
  // The least and the most that there is, alone and together.
  for (uint16_t half : {0x0001, 0x8001, 0x03FF, 0x7BFF, 0xFBFF}) {
    ExpectHolds({half});
    ExpectHolds({half, 0x0001, 0x8000, 0x3C00});
  }
}

TEST(ByteVectorTest, ZerosLoseNothing) {
  std::vector<int8_t> bytes(3, 77);
  const ByteVector vector =
      RoundToBytes(std::vector<uint16_t>{0x0000, 0x8000, 0x0000}, bytes, Name);
  EXPECT_EQ(vector.scale, 0);
  EXPECT_EQ(vector.residual, 0);
  EXPECT_EQ(vector.norm, 0);
  EXPECT_EQ(bytes, (std::vector<int8_t>{0, 0, 0}));
}

TEST(ByteVectorTest, WhatIsNotFiniteIsRefused) {
  for (uint16_t half : {0x7C00, 0xFC00, 0x7E00}) {
    std::vector<int8_t> bytes(2);
    ExpectError(ErrorCode::kInvalidArgument, {"the vector: ", "finite"}, [&] {
      RoundToBytes(std::vector<uint16_t>{0x3C00, half}, bytes, Name);
    });
  }
}

TEST(ByteVectorTest, RoundUpIsTheNextFloat) {
  EXPECT_EQ(RoundUp(0.0), 0.0F);
  EXPECT_EQ(RoundUp(1.0), 1.0F);
  EXPECT_EQ(RoundUp(1.0 + 0x1p-50), 1.0F + 0x1p-23F);
  EXPECT_EQ(RoundUp(1.0 + 0x1p-23), 1.0F + 0x1p-23F);
  EXPECT_EQ(RoundUp(1e-60), std::numeric_limits<float>::denorm_min());
}

}  // namespace
}  // namespace siglip
