// Shapes and orders of stored tensors.
#include "weights/layout.h"

#include <gtest/gtest.h>

namespace siglip {
namespace {

StoredName Kernel() {
  StoredName stored{"k"};
  stored.layout = Layout::kInputsFirst;
  stored.is_split = true;
  return stored;
}

TEST(Layout, StoredShapes) {
  EXPECT_EQ(StoredShape({"w"}, {4, 3}), (Shape{4, 3}));
  EXPECT_EQ(StoredShape({"w", 1, 3}, {4, 3}), (Shape{12, 3}));
  EXPECT_EQ(StoredShape({"w", 0, 1, true}, {4, 3}), (Shape{1, 4, 3}));
  EXPECT_EQ(StoredShape(Kernel(), {4, 3}), (Shape{3, 4}));
  EXPECT_EQ(StoredShape(Kernel(), {8, 3, 5, 6}), (Shape{5, 6, 3, 8}));
  EXPECT_EQ(StoredShape(Kernel(), {4}), (Shape{4}));
}

TEST(Layout, ShapesFitExactly) {
  const StoredName whole{"w"};
  EXPECT_TRUE(FitsShape(whole, {4, 3}, {4, 3}));
  EXPECT_FALSE(FitsShape(whole, {2, 2, 3}, {4, 3}));
  EXPECT_TRUE(FitsShape(whole, {1}, {}));
  EXPECT_TRUE(FitsShape(whole, {}, {1}));
  EXPECT_FALSE(FitsShape(whole, {1, 1}, {}));
}

TEST(Layout, ExtentsMayBeSplit) {
  const StoredName kernel = Kernel();
  EXPECT_TRUE(FitsShape(kernel, {6, 8}, {6, 8}));
  EXPECT_TRUE(FitsShape(kernel, {6, 2, 4}, {6, 8}));
  EXPECT_TRUE(FitsShape(kernel, {2, 3, 8}, {6, 8}));
  EXPECT_TRUE(FitsShape(kernel, {1, 6, 8}, {6, 8}));
  EXPECT_TRUE(FitsShape(kernel, {6, 8, 1}, {6, 8}));
  EXPECT_TRUE(FitsShape(kernel, {1}, {}));
  EXPECT_FALSE(FitsShape(kernel, {8, 6}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {4, 12}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {48}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {6, 8, 2}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {6}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {6, 2, 3}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {0, 8}, {6, 8}));
  EXPECT_FALSE(FitsShape(kernel, {int64_t{1} << 40, int64_t{1} << 40}, {int64_t{1} << 50, 2}));
}

TEST(Layout, StackedLayersComeFirst) {
  StoredName stacked = Kernel();
  stacked.layer = 2;
  EXPECT_TRUE(FitsShape(stacked, {3, 6, 2, 4}, {6, 8}));
  EXPECT_FALSE(FitsShape(stacked, {2, 6, 8}, {6, 8}));
  EXPECT_FALSE(FitsShape(stacked, {}, {6, 8}));
  EXPECT_FALSE(FitsShape(stacked, {6, 8}, {6, 8}));
}

TEST(Layout, MatricesAreTurned) {
  // Sizes around the tile's.
  for (const auto& [outputs, inputs] : {std::pair(1, 5), std::pair(31, 33), std::pair(70, 32)}) {
    std::vector<float> stored;
    for (int input = 0; input < inputs; ++input) {
      for (int output = 0; output < outputs; ++output) {
        stored.push_back(static_cast<float>(1000 * output + input));
      }
    }
    const std::vector<float> turned = FromLayout(Layout::kInputsFirst, stored, {outputs, inputs});
    for (int output = 0; output < outputs; ++output) {
      for (int input = 0; input < inputs; ++input) {
        ASSERT_EQ(turned[static_cast<size_t>(output * inputs + input)],
                  static_cast<float>(1000 * output + input));
      }
    }
  }
}

TEST(Layout, ConvolutionsAreTurned) {
  // Value of (row, column, channel, output): its digits.
  std::vector<float> stored;
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column) {
      for (int channel = 0; channel < 4; ++channel) {
        for (int output = 0; output < 5; ++output) {
          stored.push_back(static_cast<float>(1000 * row + 100 * column + 10 * channel + output));
        }
      }
    }
  }
  const std::vector<float> turned = FromLayout(Layout::kInputsFirst, stored, {5, 4, 2, 3});
  size_t next = 0;
  for (int output = 0; output < 5; ++output) {
    for (int channel = 0; channel < 4; ++channel) {
      for (int row = 0; row < 2; ++row) {
        for (int column = 0; column < 3; ++column) {
          ASSERT_EQ(turned[next++],
                    static_cast<float>(1000 * row + 100 * column + 10 * channel + output));
        }
      }
    }
  }
}

TEST(Layout, WhatIsInOrderStays) {
  EXPECT_EQ(FromLayout(Layout::kOutputsFirst, {1, 2, 3, 4}, {2, 2}),
            (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(FromLayout(Layout::kInputsFirst, {1, 2}, {2}), (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace siglip
