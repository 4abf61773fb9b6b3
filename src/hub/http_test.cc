// Addresses; requests are tested against a server in tests/cli/test_pull.py.
#include "hub/http.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip {
namespace {

TEST(Http, OriginsOfTheSameServerAreEqual) {
  EXPECT_EQ(OriginOf("https://Hub.example/a?b#c"), "https://hub.example:443");
  EXPECT_EQ(OriginOf("HTTPS://hub.example:443"), "https://hub.example:443");
  EXPECT_EQ(OriginOf("http://hub.example/"), "http://hub.example:80");
  EXPECT_EQ(OriginOf("http://[::1]:8000/"), "http://[::1]:8000");
}

TEST(Http, OriginsThatOnlyLookLikeAnother) {
  const std::string hub = OriginOf("https://hub.example");
  for (const char* url :
       {"http://hub.example", "https://hub.example:8443", "https://hub.example.evil.example",
        "https://hub.example@evil.example", "https://evil.example/hub.example",
        "https://evil.example#hub.example", "https://evil.example?hub.example",
        "https://evil.example\\@hub.example.evil"}) {
    try {
      EXPECT_NE(OriginOf(url), hub) << url;
    } catch (const Error&) {
    }
  }
}

TEST(Http, RefusesOtherProtocols) {
  for (const char* url : {"", "file:///etc/passwd", "ftp://hub.example/a", "hub.example/a", "/a",
                          "gopher://hub.example", "https://"}) {
    ExpectError(ErrorCode::kMalformedFile, {"http or https URL"}, [&] { OriginOf(url); });
  }
  ExpectError(ErrorCode::kMalformedFile, {"http or https URL"},
              [] { ResolveLocation("https://hub.example/a", "file:///etc/passwd"); });
}

TEST(Http, LocationsAreRelativeToTheRequest) {
  const std::string url = "https://hub.example/a/b/c?d";
  EXPECT_EQ(ResolveLocation(url, "/x/y"), "https://hub.example/x/y");
  EXPECT_EQ(ResolveLocation(url, "x"), "https://hub.example/a/b/x");
  EXPECT_EQ(ResolveLocation(url, "//cdn.example/x"), "https://cdn.example/x");
  EXPECT_EQ(ResolveLocation(url, "http://cdn.example/x?y=1"), "http://cdn.example/x?y=1");
}

TEST(Http, PercentEncoding) {
  EXPECT_EQ(PercentEncoded("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(PercentEncoded("v1.0-rc_2~"), "v1.0-rc_2~");
  EXPECT_EQ(PercentEncoded("a b?#%\xC3\xA9"), "a%20b%3F%23%25%C3%A9");
}

TEST(Http, QueriesAreNotShown) {
  EXPECT_EQ(WithoutQuery("https://cdn.example/a?Signature=b?c"), "https://cdn.example/a");
  EXPECT_EQ(WithoutQuery("https://cdn.example/a"), "https://cdn.example/a");
}

}  // namespace
}  // namespace siglip
