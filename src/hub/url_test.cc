// URLs. Expected values are those of Python's urllib.parse (urljoin, urldefrag, urlsplit, quote),
// unless a test names another source.
#include "hub/url.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Url, Parts) {
  const auto url = ParseUrl("HTTPS://name:Pass%40@Hub.Example:8443/a/b;p?q=1?/&r#f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user, "name:Pass%40");
  EXPECT_EQ(url->host, "hub.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/b;p");
  EXPECT_EQ(url->query, "q=1?/&r");
  EXPECT_EQ(url->Server(), "hub.example:8443");
  EXPECT_EQ(url->ToString(), "https://name:Pass%40@hub.example:8443/a/b;p?q=1?/&r");
}

TEST(Url, OriginsOfTheSameServerAreEqual) {
  for (const auto& [url, origin] : Pairs{
           {"https://Hub.example/a?b#c", "https://hub.example:443"},
           {"HTTPS://hub.example:443", "https://hub.example:443"},
           {"https://hub.example:0443", "https://hub.example:443"},
           {"https://hub.example:/x", "https://hub.example:443"},
           {"https://hub.example?/x", "https://hub.example:443"},
           {"https://@hub.example/", "https://hub.example:443"},
           {"https://user:pass@hub.example:8443/x", "https://hub.example:8443"},
           {"http://hub.example/", "http://hub.example:80"},
           {"http://hub.example:443/", "http://hub.example:443"},
           {"http://hub.example:65535/", "http://hub.example:65535"},
           {"http://127.0.0.1:8000/", "http://127.0.0.1:8000"},
           {"http://[::1]:8000/", "http://[::1]:8000"},
           {"http://[2001:DB8::A]/", "http://[2001:db8::a]:80"},
           {"http://[::ffff:192.0.2.1]/", "http://[::ffff:192.0.2.1]:80"},
       }) {
    EXPECT_EQ(OriginOf(url), origin) << url;
  }
}

TEST(Url, OriginsThatOnlyLookLikeAnother) {
  for (const auto& [url, origin] : Pairs{
           {"https://hub.example@evil.example", "https://evil.example:443"},
           {"https://hub.example:443@evil.example", "https://evil.example:443"},
           {"https://evil.example/hub.example", "https://evil.example:443"},
           {"https://evil.example#@hub.example", "https://evil.example:443"},
           {"https://evil.example?@hub.example", "https://evil.example:443"},
           {"https://hub.example.evil.example", "https://hub.example.evil.example:443"},
           {"https://hub.example./", "https://hub.example.:443"},
       }) {
    EXPECT_EQ(OriginOf(url), origin) << url;
  }
}

// By the grammar of RFC 3986, and by the rules of ParseUrl for hosts.
TEST(Url, RefusesEverythingElse) {
  for (const std::string& url : {std::string(),
                                 std::string("file:///etc/passwd"),
                                 std::string("ftp://hub.example/a"),
                                 std::string("hub.example/a"),
                                 std::string("/a"),
                                 std::string("//hub.example/a"),
                                 std::string("gopher://hub.example"),
                                 std::string("https:"),
                                 std::string("https:/"),
                                 std::string("https://"),
                                 std::string("https:///a"),
                                 std::string("https:hub.example"),
                                 std::string("https:/hub.example"),
                                 std::string(" https://hub.example"),
                                 std::string("https ://hub.example"),
                                 std::string("https://:443/"),
                                 std::string("https://user@/"),
                                 std::string("https://hub.example:65536"),
                                 std::string("https://hub.example:0"),
                                 std::string("https://hub.example:-1"),
                                 std::string("https://hub.example:+1"),
                                 std::string("https://hub.example:1a"),
                                 std::string("https://hub.example:1:2"),
                                 std::string("https://a@b@hub.example"),
                                 std::string("https://evil.example\\@hub.example"),
                                 std::string("https://hub%2eexample"),
                                 std::string("https://hub example"),
                                 std::string("https://hub.example/a b"),
                                 std::string("https://hub.example/a\tb"),
                                 std::string("https://hub.example/a\r\nb"),
                                 std::string("https://hub.example/\0", 21),
                                 std::string("https://hub.example\0.b/", 23),
                                 std::string("https://hub.example/%"),
                                 std::string("https://hub.example/%2"),
                                 std::string("https://hub.example/%2g"),
                                 std::string("https://hub.example/?%zz"),
                                 std::string("https://hub.example/#%zz"),
                                 std::string("https://hub.example/a#b#c"),
                                 std::string("https://hub.example/\xC3\xA9"),
                                 std::string("https://h\xC3\xBC.example/"),
                                 std::string("https://hub.example/[a]"),
                                 std::string("https://hub.example/?{a}"),
                                 std::string("https://hub.example/\\"),
                                 std::string("https://hub.example/<a>"),
                                 std::string("https://hub.example/a|b"),
                                 std::string("https://us er@hub.example/"),
                                 std::string("https://hub!example/"),
                                 std::string("https://[::1"),
                                 std::string("https://::1/"),
                                 std::string("https://[]/"),
                                 std::string("https://[::1]a/"),
                                 std::string("https://a[::1]/"),
                                 std::string("https://[::g]/"),
                                 std::string("https://[1:2:3]/"),
                                 std::string("https://[::1%25eth0]/"),
                                 std::string("https://[v1.a]/"),
                                 std::string("https://[127.0.0.1]/"),
                                 std::string("https://[::1\0]/", 15),
                                 std::string("https://[:/a/b]:1/")}) {
    EXPECT_FALSE(ParseUrl(url)) << url;
    ExpectError(ErrorCode::kMalformedFile, {"http or https URL"}, [&] { OriginOf(url); });
  }
}

TEST(Url, LocationsAreRelativeToTheRequest) {
  for (const auto& [location, url] : Pairs{
           // The examples of RFC 3986, section 5.4, with another base.
           {"g", "https://hub.example/b/c/g"},
           {"./g", "https://hub.example/b/c/g"},
           {"g/", "https://hub.example/b/c/g/"},
           {"/g", "https://hub.example/g"},
           {"//g", "https://g"},
           {"?y", "https://hub.example/b/c/d;p?y"},
           {"g?y", "https://hub.example/b/c/g?y"},
           {"#s", "https://hub.example/b/c/d;p?q"},
           {"g#s", "https://hub.example/b/c/g"},
           {"g?y#s", "https://hub.example/b/c/g?y"},
           {";x", "https://hub.example/b/c/;x"},
           {"g;x", "https://hub.example/b/c/g;x"},
           {"g;x?y#s", "https://hub.example/b/c/g;x?y"},
           {"", "https://hub.example/b/c/d;p?q"},
           {".", "https://hub.example/b/c/"},
           {"./", "https://hub.example/b/c/"},
           {"..", "https://hub.example/b/"},
           {"../", "https://hub.example/b/"},
           {"../g", "https://hub.example/b/g"},
           {"../..", "https://hub.example/"},
           {"../../", "https://hub.example/"},
           {"../../g", "https://hub.example/g"},
           {"../../../g", "https://hub.example/g"},
           {"../../../../g", "https://hub.example/g"},
           {"/./g", "https://hub.example/g"},
           {"/../g", "https://hub.example/g"},
           {"g.", "https://hub.example/b/c/g."},
           {".g", "https://hub.example/b/c/.g"},
           {"g..", "https://hub.example/b/c/g.."},
           {"..g", "https://hub.example/b/c/..g"},
           {"./../g", "https://hub.example/b/g"},
           {"./g/.", "https://hub.example/b/c/g/"},
           {"g/./h", "https://hub.example/b/c/g/h"},
           {"g/../h", "https://hub.example/b/c/h"},
           {"g;x=1/./y", "https://hub.example/b/c/g;x=1/y"},
           {"g;x=1/../y", "https://hub.example/b/c/y"},
           {"g?y/./x", "https://hub.example/b/c/g?y/./x"},
           {"g?y/../x", "https://hub.example/b/c/g?y/../x"},
           {"g#s/./x", "https://hub.example/b/c/g"},
           // What a hub may send.
           {"//cdn.example:8443/x?y=1", "https://cdn.example:8443/x?y=1"},
           {"http://cdn.example/x?y=1#z", "http://cdn.example/x?y=1"},
           {"https://a:b@cdn.example/", "https://a:b@cdn.example/"},
           {"/a//b", "https://hub.example/a//b"},
           {"/x/y?z=https://evil.example/", "https://hub.example/x/y?z=https://evil.example/"},
           {"g%20h", "https://hub.example/b/c/g%20h"},
       }) {
    EXPECT_EQ(ResolveLocation("https://hub.example/b/c/d;p?q", location), url) << location;
  }
  for (const auto& [location, url] : Pairs{
           {"", "https://u@hub.example:81"},
           {"x", "https://u@hub.example:81/x"},
           {"?y", "https://u@hub.example:81?y"},
           {"../x", "https://u@hub.example:81/x"},
           {"//cdn.example/x", "https://cdn.example/x"},
       }) {
    EXPECT_EQ(ResolveLocation("https://u@hub.example:81", location), url) << location;
  }
}

// RFC 3986, section 5.2.2, which urljoin does not follow for locations with a scheme.
TEST(Url, AbsoluteLocationsAreNormalised) {
  const std::string url = "https://hub.example/a";
  EXPECT_EQ(ResolveLocation(url, "HTTP://CDN.example:80/a/./b/../c"), "http://cdn.example/a/c");
  EXPECT_EQ(ResolveLocation(url, "https://cdn.example/.."), "https://cdn.example/");
}

TEST(Url, LocationsThatAreNone) {
  for (const std::string location :
       {"file:///etc/passwd", "javascript:x", "https:x", "https:", "1:2", ":", "a:b", "//", "///a",
        "//a@b@c", "a b", "\\\\evil.example", "/\\evil.example", "/%", "?\"", "#\x7F", "//[::1"}) {
    ExpectError(ErrorCode::kMalformedFile, {"http or https URL"},
                [&] { ResolveLocation("https://hub.example/a", location); });
  }
  ExpectError(ErrorCode::kMalformedFile, {"http or https URL", "'hub.example'"},
              [] { ResolveLocation("hub.example", "/a"); });
}

TEST(Url, PercentEncoding) {
  EXPECT_EQ(PercentEncoded("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(PercentEncoded("v1.0-rc_2~"), "v1.0-rc_2~");
  EXPECT_EQ(PercentEncoded("a b?#%\xC3\xA9"), "a%20b%3F%23%25%C3%A9");
}

TEST(Url, QueriesAreNotShown) {
  EXPECT_EQ(WithoutQuery("https://cdn.example/a?Signature=b?c"), "https://cdn.example/a");
  EXPECT_EQ(WithoutQuery("https://cdn.example/a"), "https://cdn.example/a");
  ExpectError(ErrorCode::kMalformedFile, {"'https://cdn example/a'"},
              [] { OriginOf("https://cdn example/a?Signature=b"); });
}

}  // namespace
}  // namespace siglip
