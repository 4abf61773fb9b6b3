#include "index/content_hash.h"

#include <gtest/gtest.h>

#include <string_view>

namespace siglip {
namespace {

std::string HexOf(std::string_view text) {
  return ToHex(HashContent(std::as_bytes(std::span(text))));
}

// Values of the program xxhsum -H2, version 0.8.1.
TEST(ContentHashTest, IsXxh3Of128Bits) {
  EXPECT_EQ(HexOf(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(HexOf("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(ContentHashTest, DigitsAreReadBack) {
  const ContentHash hash = HashContent({});
  EXPECT_EQ(ContentHashFromHex("99aa06d3014798d86001c324468d497f"), hash);
  EXPECT_EQ(ContentHashFromBytes(std::as_bytes(std::span(hash))), hash);
  for (const std::string_view wrong :
       {"", "99aa06d3014798d86001c324468d497", "99aa06d3014798d86001c324468d497f0",
        "99AA06D3014798D86001C324468D497F", "99aa06d3014798d86001c324468d497g",
        "-9aa06d3014798d86001c324468d497f"}) {
    EXPECT_EQ(ContentHashFromHex(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace siglip
