#include "server/http/target.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip::server {
namespace {

TEST(TargetTest, DecodesPathAndQuery) {
  const Target target = ParseTarget("/v1/im%61ges/7%25?size=320&q=a+b%2B%26%3d&flag&=x&&size=640");
  EXPECT_EQ(target.path, "/v1/images/7%");
  ASSERT_EQ(target.query.size(), 5u);
  EXPECT_EQ(*target.Find("size"), "320");
  EXPECT_EQ(*target.Find("q"), "a b+&=");
  EXPECT_EQ(*target.Find("flag"), "");
  EXPECT_EQ(*target.Find(""), "x");
  EXPECT_EQ(target.query[4].value, "640");
  EXPECT_EQ(target.Find("none"), nullptr);
}

TEST(TargetTest, KeepsWhatIsNotSpecial) {
  EXPECT_EQ(ParseTarget("/").path, "/");
  EXPECT_EQ(ParseTarget("//a//").path, "//a//");
  EXPECT_EQ(ParseTarget("/a+b/...").path, "/a+b/...");
  EXPECT_EQ(*ParseTarget("/?a=b=c?d/%2F").Find("a"), "b=c?d//");
  EXPECT_EQ(ParseTarget("/%C3%A4%E2%82%AC%F0%9F%90%B1").path, "/\u00E4\u20AC\U0001F431");
}

TEST(TargetTest, RefusesWhatHasTwoMeanings) {
  for (const char* const text :
       {"",        "a",    "*",     "?a",        "http://a/", "/%",     "/%a",
        "/%g0",    "/%0g", "/%+1",  "/a#b",      "/?a#b",     "/.",     "/..",
        "/a/../b", "/a/.", "/%2e",  "/%2E%2e/a", "/.%2e",     "/a%2Fb", "/%00",
        "/?a=%00", "/%0a", "/?%0D", "/%7f",      "/?a=%1b"}) {
    ExpectError(ErrorCode::kInvalidArgument, {"target"}, [&] { ParseTarget(text); });
  }
}

// The examples are those of the Unicode Standard, table 3-7 and its neighbours.
TEST(TargetTest, RefusesWhatIsNoUtf8) {
  for (const char* const text : {"/%80", "/%C3", "/%C0%AF", "/%C1%BF", "/%E0%9F%80", "/%ED%A0%80",
                                 "/%EF%BF", "/%F0%8F%BF%BF", "/%F4%90%80%80", "/%F5%80%80%80",
                                 "/%FF", "/%C3a", "/?a=%E2%82", "/?%FE"}) {
    ExpectError(ErrorCode::kInvalidArgument, {"UTF-8"}, [&] { ParseTarget(text); });
  }
  for (const char* const text : {"/%E0%A0%80", "/%ED%9F%BF", "/%F0%90%80%80", "/%F4%8F%BF%BF"}) {
    EXPECT_NO_THROW(ParseTarget(text)) << text;
  }
}

}  // namespace
}  // namespace siglip::server
