// Names of any bytes as JSON, NumPy and Python have them.
#include "output/text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace siglip {
namespace {

std::u32string Decoded(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) characters += TakeCodePoint(text);
  return characters;
}

// Expected: os.fsdecode of Python 3.11 where the file system's encoding is UTF-8.
TEST(TakeCodePoint, DecodesAsPythonDoesNames) {
  EXPECT_EQ(Decoded("aé€\U0001F600"), U"aé€\U0001F600");
  const auto lost = [](std::initializer_list<char32_t> units) { return std::u32string(units); };
  EXPECT_EQ(Decoded("\xff"), lost({0xDCFF}));
  EXPECT_EQ(Decoded("\xe2\x82"), lost({0xDCE2, 0xDC82}));  // cut short
  EXPECT_EQ(Decoded("\xc0\xaf"), lost({0xDCC0, 0xDCAF}));  // overlong
  EXPECT_EQ(Decoded("\xe0\x80\xaf"), lost({0xDCE0, 0xDC80, 0xDCAF}));
  EXPECT_EQ(Decoded("\xed\xa0\x80"), lost({0xDCED, 0xDCA0, 0xDC80}));  // a surrogate
  EXPECT_EQ(Decoded("\xf4\x90\x80\x80"), lost({0xDCF4, 0xDC90, 0xDC80, 0xDC80}));
  EXPECT_EQ(Decoded("\xf0\x9f\x98z"), lost({0xDCF0, 0xDC9F, 0xDC98, 'z'}));
}

TEST(JsonPath, KeepsBytesThatAreNoUtf8) {
  EXPECT_EQ(JsonPath("a \"b\"\n.jpg"), R"("path":"a \"b\"\n.jpg")");
  EXPECT_EQ(JsonPath("\xff"), "\"path\":\"\xEF\xBF\xBD\",\"path_base64\":\"/w==\"");
  // RFC 4648, section 10, behind a byte that is no UTF-8
  EXPECT_EQ(JsonPath("\xff"
                     "fo"),
            "\"path\":\"\xEF\xBF\xBD"
            "fo\",\"path_base64\":\"/2Zv\"");
  EXPECT_EQ(JsonPath("\xff"
                     "foo"),
            "\"path\":\"\xEF\xBF\xBD"
            "foo\",\"path_base64\":\"/2Zvbw==\"");
}

TEST(ExactNumber, IsTheShortestThatReadsBack) {
  EXPECT_EQ(ExactNumber(0.1F), "0.1");
  EXPECT_EQ(ExactNumber(-1.5F), "-1.5");
  EXPECT_EQ(ExactNumber(16777216.0F), "16777216");
  for (const float value :
       {1.0F / 3, std::numeric_limits<float>::min(), std::numeric_limits<float>::denorm_min(),
        std::numeric_limits<float>::max()}) {
    EXPECT_EQ(std::strtof(ExactNumber(value).c_str(), nullptr), value);
  }
}

}  // namespace
}  // namespace siglip
