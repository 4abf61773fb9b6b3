// Tests of siglip::Error.
#include "siglip/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace siglip {
namespace {

TEST(Error, KeepsItsParts) {
  const Error error(ErrorCode::kMismatch, "tensor 'a': expected F32, found I8", "convert it");
  EXPECT_EQ(error.code(), ErrorCode::kMismatch);
  EXPECT_EQ(error.message(), "tensor 'a': expected F32, found I8");
  EXPECT_EQ(error.hint(), "convert it");
  EXPECT_STREQ(error.what(), "tensor 'a': expected F32, found I8 (convert it)");
}

TEST(Error, WithoutHintIsTheMessageAlone) {
  EXPECT_STREQ(Error(ErrorCode::kIo, "a.png: cannot open").what(), "a.png: cannot open");
}

TEST(Error, IsOneLineSafeToPrintWhateverIsNamedInIt) {
  EXPECT_STREQ(Error(ErrorCode::kIo, "a\nb\x1B[2J\x7F\tc").what(), "a\\x0ab\\x1b[2J\\x7f\\x09c");
  EXPECT_STREQ(Error(ErrorCode::kIo, "Größe 图").what(), "Größe 图");
}

TEST(Error, IsAStandardException) {
  EXPECT_THROW(throw Error(ErrorCode::kInternal, "x"), std::runtime_error);
}

TEST(ErrorCode, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  constexpr int kCodes = static_cast<int>(ErrorCode::kInternal) + 1;
  for (int code = 0; code < kCodes; ++code) names.insert(ToString(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<size_t>(kCodes));
  EXPECT_EQ(names.count("unknown error"), 0U);
}

}  // namespace
}  // namespace siglip
