#include "tensor/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace siglip {
namespace {

/// Values of floats that are next to each other in the order of their bits.
float Next(float value) { return std::nextafter(value, INFINITY); }
float Previous(float value) { return std::nextafter(value, -INFINITY); }

// Between two halves that follow each other, all floats below the middle become the lower and all
// above it the upper one; so the ends and the middle with its neighbours stand for all of them.
TEST(Float16Test, EveryFloatBecomesTheNearestHalf) {
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const auto above = static_cast<uint16_t>(bits + 1);
    const float low = Float16ToFloat(half);
    // Beyond the largest half, the next power of two counts (IEEE 754, 4.3.1).
    const float high = above == 0x7C00 ? 65536.0F : Float16ToFloat(above);
    const float middle = low + (high - low) / 2;  // exact: halves have 13 bits less
    const uint16_t even = bits % 2 == 0 ? half : above;
    const auto expect = [](float value, uint16_t expected) {
      ASSERT_EQ(FloatToFloat16(value), expected) << value;
      ASSERT_EQ(FloatToFloat16(-value), expected | 0x8000) << -value;
    };
    expect(low, half);
    expect(Next(low), half);
    expect(Previous(middle), half);
    expect(middle, even);
    expect(Next(middle), above);
    expect(Previous(high), above);
  }
}

TEST(Float16Test, WhatIsTooLargeIsInfiniteAndNotANumberStaysSo) {
  for (float value : {65536.0F, 1e30F, std::numeric_limits<float>::max(), INFINITY}) {
    EXPECT_EQ(FloatToFloat16(value), 0x7C00);
    EXPECT_EQ(FloatToFloat16(-value), 0xFC00);
  }
  for (uint32_t bits : {0x7F800001U, 0x7FC00000U, 0x7FFFFFFFU, 0xFF802000U}) {
    const float half = Float16ToFloat(FloatToFloat16(std::bit_cast<float>(bits)));
    EXPECT_TRUE(std::isnan(half)) << bits;
    EXPECT_EQ(std::signbit(half), bits >> 31 == 1) << bits;
  }
}

}  // namespace
}  // namespace siglip
