// Tests of open_clip's text cleaning against what open_clip and ftfy made of the same texts.
#include "text/text_cleaning.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/json.h"
#include "expect_error.h"
#include "text/html_entities.h"
#include "text/unicode_normalization.h"

namespace siglip {
namespace {

TEST(TextCleaning, IsThatOfOpenClip) {
  const Json rows = ParseJsonFile(std::filesystem::path(SIGLIP_SOURCE_DIR) /
                                  "tests/golden/open_clip/expected.json")["rows"];
  ASSERT_GE(rows.size(), 200U);
  for (const Json& row : rows) {
    const auto text = row["text"].get<std::string>();
    EXPECT_EQ(CleanText(text, TextCleaning::kCanonicalize), row["canonicalize"]) << row["text"];
    EXPECT_EQ(CleanText(text, TextCleaning::kLower), row["lower"]) << row["text"];
    EXPECT_EQ(CleanText(text, TextCleaning::kWhitespace), row["whitespace"]) << row["text"];
    EXPECT_EQ(CleanText(text, TextCleaning::kNone), text);
  }
}

// Expected: ftfy.fix_text of 6.3.1.
TEST(FixText, DoesWhatFtfyDoes) {
  EXPECT_EQ(FixText("&lt;tag&gt; &amp;amp;eacute;"), "<tag> é");
  EXPECT_EQ(FixText("<i> &lt;\nb &amp;"), "<i> &lt;\nb &amp;") << "from a tag on it is HTML";
  EXPECT_EQ(FixText("&amp;\n<i> &amp;"), "&\n<i> &amp;");
  EXPECT_EQ(FixText("\x1B[31mred\x1B[0m \x1B[2 \uFEFFx\r\ny\rz"), "red [2 x\ny\nz");
  EXPECT_EQ(FixText("\u0093a\u0094 \u0085 \u0081"), "\"a\" … \u0081");
  EXPECT_EQ(FixText("ﬁ Ĳ ＡＢ　ｱﾞ ‘’“”"), "fi IJ AB ア\u3099 ''\"\"");
}

TEST(FixText, LeavesMojibakeAlone) {
  EXPECT_EQ(FixText("schÃ¶n"), "schÃ¶n") << "ftfy makes schön of it";
}

TEST(FixText, DeepNestsOfEntitiesAreRefused) {
  std::string text = "&";
  while (text.size() < (size_t{1} << 20)) text += "amp;";
  ExpectError(ErrorCode::kLimitExceeded, {"nested"}, [&] { FixText(text); });
}

// Expected: html.unescape.
TEST(UnescapeHtml, FindsTheLongestName) {
  EXPECT_EQ(UnescapeHtml("&notit; &notin; &ampx &copy2024"), "¬it; ∉ &x ©2024");
  EXPECT_EQ(UnescapeHtml("&#65 &#x41;&#X41 &#; &#x; & &&amp;"), "A AA &#; &#x; & &&");
  EXPECT_EQ(UnescapeHtml("&#128;&#129;&#0;&#xD800;&#1114112;&#11;&#xFFFE;"),
            "€\u0081\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(UnescapeHtml("&#99999999999999999999999;"), "\uFFFD");
}

// Expected: unicodedata.normalize("NFC", ...).
TEST(ToNfc, OrdersAndComposes) {
  EXPECT_EQ(ToNfc("e\u0301 \u212B q\u0307\u0323"), "é Å q\u0323\u0307");
  EXPECT_EQ(ToNfc("\u1112\u1161\u11AB \uAC00\u11A8"), "한 각");
  EXPECT_EQ(ToNfc("\u0958 \uFB1D \u0344"), "\u0915\u093C \u05D9\u05B4 \u0308\u0301");
  EXPECT_EQ(ToNfc("\u0301a\u0328\u0301"), "\u0301ą\u0301");
}

}  // namespace
}  // namespace siglip
