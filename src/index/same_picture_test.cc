#include "index/same_picture.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace siglip {
namespace {

/// 8 rows of 9.
using Greys = std::array<uint8_t, 72>;

bool Agree(const Greys& a, const Greys& b) {
  return GreysAgree(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

/// Grows to the right in each row: all 64 comparisons of neighbours say "brighter".
Greys Rising() {
  Greys greys = {};
  for (size_t i = 0; i < greys.size(); ++i) greys[i] = static_cast<uint8_t>(20 + 10 * (i % 9));
  return greys;
}

TEST(SamePicture, BrighterAndDarkerVersionsAgree) {
  Greys brighter = Rising();
  for (uint8_t& grey : brighter) grey = static_cast<uint8_t>(grey * 2 + 10);
  EXPECT_TRUE(Agree(Rising(), brighter));
}

TEST(SamePicture, EightComparisonsMayDiffer) {
  Greys greys = Rising();
  for (size_t row = 0; row < 8; ++row) greys[row * 9 + 8] = 0;  // one comparison in each row
  EXPECT_TRUE(Agree(Rising(), greys));
  EXPECT_TRUE(Agree(greys, Rising()));
  greys[1] = 0;  // and a ninth
  EXPECT_FALSE(Agree(Rising(), greys));
  EXPECT_FALSE(Agree(greys, Rising()));
}

/// The last field of a row and the first of the next are no neighbours.
TEST(SamePicture, RowsAreComparedAlone) {
  Greys stairs = {};
  for (size_t i = 0; i < stairs.size(); ++i) {
    stairs[i] = static_cast<uint8_t>(10 * (i % 9) + 20 * (i / 9));
  }
  EXPECT_TRUE(Agree(Rising(), stairs));
}

TEST(SamePicture, WithoutGreysNothingIsKnown) {
  const Greys greys = Rising();
  const auto bytes = std::as_bytes(std::span(greys));
  EXPECT_FALSE(GreysAgree({}, bytes));
  EXPECT_FALSE(GreysAgree(bytes, {}));
  EXPECT_FALSE(GreysAgree({}, {}));
  EXPECT_FALSE(GreysAgree(bytes.first(71), bytes.first(71)));
}

}  // namespace
}  // namespace siglip
