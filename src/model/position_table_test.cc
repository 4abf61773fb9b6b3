// The resized position embedding against its definition, and the table's memory.
#include "model/position_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "expect_error.h"
#include "run_in_child.h"

namespace siglip {
namespace {

std::vector<float> RandomValues(size_t count) {
  std::mt19937 generator(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

/// The definition, in double: entry j stands at j + 0.5, output i at (i + 0.5) * in / out, and is
/// the mean of the entries weighted by a triangle whose half width is max(1, in / out).
std::vector<double> Triangle(int64_t i, int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double half_width = std::max(1.0, scale);
  const double center = (static_cast<double>(i) + 0.5) * scale;
  std::vector<double> weights;
  double total = 0;
  for (int64_t j = 0; j < in; ++j) {
    const double distance = std::abs(static_cast<double>(j) + 0.5 - center) / half_width;
    weights.push_back(std::max(0.0, 1.0 - distance));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

TEST(PositionTableTest, EqualsTheDefinition) {
  constexpr int64_t kWidth = 5;
  for (const int64_t side : {1, 4, 16}) {
    const std::vector<float> values = RandomValues(static_cast<size_t>(side * side * kWidth));
    const PositionTable table(values, side, kWidth, InterpolateBilinear);
    for (const auto& [rows, columns] :
         {std::pair{1, 1}, {1, 16}, {3, 5}, {16, 16}, {7, 36}, {20, 12}, {64, 1}, {256, 1}}) {
      const auto resized = table.For(rows, columns);
      ASSERT_EQ(resized->matrix().rows, rows * columns);
      for (int64_t y = 0; y < rows; ++y) {
        const std::vector<double> vertical = Triangle(y, side, rows);
        for (int64_t x = 0; x < columns; ++x) {
          const std::vector<double> horizontal = Triangle(x, side, columns);
          for (int64_t d = 0; d < kWidth; ++d) {
            double expected = 0;
            for (int64_t j = 0; j < side; ++j) {
              for (int64_t i = 0; i < side; ++i) {
                expected += vertical[static_cast<size_t>(j)] * horizontal[static_cast<size_t>(i)] *
                            values[static_cast<size_t>((j * side + i) * kWidth + d)];
              }
            }
            ASSERT_NEAR(resized->matrix().row(y * columns + x)[d], expected, 2e-6)
                << side << " to " << rows << " x " << columns << " at " << y << ", " << x;
          }
        }
      }
    }
  }
}

// As of pictures of 256:1. A triangle reproduces what is linear wherever the table does not end
// within its window; torch's kernel for the CPU returns the first row for all of these.
TEST(PositionTableTest, OneColumnOfPatchesFollowsTheTableDownwards) {
  constexpr int64_t kSide = 16;
  std::vector<float> values;
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) values.push_back(static_cast<float>(y) + 0.25F * x);
  }
  const PositionTable table(values, kSide, 1, InterpolateBilinear);
  constexpr double kMiddle = 0.25 * (kSide - 1) / 2;  // of the one column
  for (const int64_t rows : {64, 256}) {
    const auto resized = table.For(rows, 1);
    for (int64_t y = 0; y < rows; ++y) {
      const double center = (static_cast<double>(y) + 0.5) * kSide / static_cast<double>(rows);
      const double entry = std::clamp(center - 0.5, 0.0, kSide - 1.0);
      EXPECT_NEAR(resized->matrix().row(y)[0], entry + kMiddle, 1e-5) << y << " of " << rows;
    }
  }
}

TEST(PositionTableTest, TheTablesOwnSizeIsTheTableToTheBit) {
  const std::vector<float> values = RandomValues(16 * 16 * 3);
  const auto same = PositionTable(values, 16, 3, InterpolateBilinear).For(16, 16);
  for (int64_t row = 0; row < 256; ++row) {
    for (int64_t d = 0; d < 3; ++d) {
      EXPECT_EQ(same->matrix().row(row)[d], values[static_cast<size_t>(row * 3 + d)]);
    }
  }
}

TEST(PositionTableTest, KeepsWhatWasUsedLastWithinItsLimit) {
  constexpr int64_t kWidth = 4096;  // 64 patches take a mebibyte
  const PositionTable table(RandomValues(4 * kWidth), 2, kWidth, InterpolateBilinear);
  const auto first = table.For(1, 64);
  EXPECT_EQ(table.For(1, 64), first);
  EXPECT_NE(table.For(64, 1), first);
  for (int64_t columns = 65; columns < 160; ++columns) {
    table.For(1, columns);
    EXPECT_EQ(table.For(1, 64), first) << "used again and again";
    EXPECT_LE(table.kept_bytes(), PositionTable::kMostKeptBytes);
  }
  EXPECT_GT(table.kept_bytes(), PositionTable::kMostKeptBytes / 2);
  for (int64_t columns = 160; columns < 200; ++columns) table.For(1, columns);
  EXPECT_NE(table.For(1, 64), first) << "forgotten by now";
  // Larger than all that may be kept.
  EXPECT_EQ(table.For(64, 80)->matrix().rows, 5120);
  EXPECT_LE(table.kept_bytes(), PositionTable::kMostKeptBytes);
}

TEST(PositionTableTest, ManyThreadsAtOnce) {
  const PositionTable table(RandomValues(16 * 16 * 8), 16, 8, InterpolateBilinear);
  const auto expected =
      PositionTable(RandomValues(16 * 16 * 8), 16, 8, InterpolateBilinear).For(5, 7);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int64_t i = 0; i < 200; ++i) {
        table.For(1 + i % 9, 1 + i % 11);
        const auto found = table.For(5, 7);
        for (int64_t row = 0; row < 35; ++row) {
          EXPECT_EQ(found->matrix().row(row)[7], expected->matrix().row(row)[7]);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(PositionTableTest, AChildOfForkUsesItWhateverOtherThreadsDid) {
  const PositionTable table(RandomValues(4 * 4 * 2), 4, 2, InterpolateBilinear);
  const float expected = table.For(5, 7)->matrix().row(34)[1];
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int64_t i = 0; !done; ++i) table.For(1 + i % 9, 1 + i % 11);
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(SucceedsInChild([&] {
      return table.For(5, 7)->matrix().row(34)[1] == expected && table.kept_bytes() > 0;
    }));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(PositionTableTest, RefusesEmptyGrids) {
  const PositionTable table(RandomValues(4), 2, 1, InterpolateBilinear);
  ExpectError(ErrorCode::kInvalidArgument, {"0 x 3"}, [&] { table.For(0, 3); });
  ExpectError(ErrorCode::kInvalidArgument, {"3 x -1"}, [&] { table.For(3, -1); });
}

}  // namespace
}  // namespace siglip
