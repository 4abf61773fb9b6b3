#include <gtest/gtest.h>

#include "expect_error.h"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

TEST(Precision, NamesAreReadAsTheyAreShown) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    EXPECT_EQ(ParsePrecision(ToString(precision)), precision);
    const PrecisionChoice choice = ParsePrecisionChoice(ToString(precision));
    EXPECT_EQ(choice.precision(), precision);
    EXPECT_FALSE(choice.is_auto());
  }
}

TEST(Precision, AutoIsAChoiceAndNoPrecision) {
  ExpectError(ErrorCode::kInvalidArgument, {"'auto'", "f32, bf16, int8"},
              [] { ParsePrecision("auto"); });
  EXPECT_TRUE(ParsePrecisionChoice("auto").is_auto());
  EXPECT_EQ(ParsePrecisionChoice("auto").precision(), std::nullopt);
  EXPECT_EQ(PrecisionChoice().precision(), std::nullopt);
  EXPECT_FALSE(PrecisionChoice().is_auto());
  ExpectError(ErrorCode::kInvalidArgument, {"'fp8'", "auto"}, [] { ParsePrecisionChoice("fp8"); });
}

}  // namespace
}  // namespace siglip
