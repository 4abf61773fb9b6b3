// Tests of UTF-8 and letter case against what Python and Rust define.
#include "text/unicode_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace siglip {
namespace {

std::string Utf8(char32_t character) {
  std::string text;
  AppendUtf8(character, text);
  return text;
}

TEST(ToValidUtf8, KeepsWhatIsValid) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "a\0b"sv, "\x7F"sv, "\u0080\u07FF\u0800\uD7FF\uE000\uFFFF"sv,
        "\U00010000\U0010FFFF"sv, "\uFEFF"sv}) {
    EXPECT_EQ(ToValidUtf8(text), text);
  }
}

// Expected: bytes.decode(errors="replace"), given as the number of replacements.
TEST(ToValidUtf8, ReplacesAsPythonDoes) {
  struct Case {
    std::string_view bytes;
    int replacements;
  };
  for (const auto& [bytes, replacements] : std::vector<Case>{
           {"\x80", 1},                  // no lead
           {"\xFF\xFE", 2},              // never valid
           {"\xC0\xAF", 2},              // overlong in two bytes
           {"\xE0\x80\x80", 3},          // overlong in three
           {"\xF0\x80\x80\x80", 4},      // overlong in four
           {"\xED\xA0\x80", 3},          // a surrogate
           {"\xF4\x90\x80\x80", 4},      // beyond U+10FFFF
           {"\xF5\x80\x80\x80", 4},      // never a lead
           {"\xC3", 1},                  // cut short
           {"\xE2\x96", 1},              // cut short, one for both bytes
           {"\xF0\x9F\x90", 1},          // cut short, one for all three
           {"\xE2\x96\xE2\x96", 2},      // twice
           {"\xF0\x9F\xF0\x9F\x90", 2},  // differently
       }) {
    std::string expected = "a";
    for (int i = 0; i < replacements; ++i) expected += "\uFFFD";
    EXPECT_EQ(ToValidUtf8("a" + std::string(bytes) + "z"), expected + "z");
    EXPECT_EQ(ToValidUtf8("a" + std::string(bytes)), expected);
  }
}

TEST(Characters, AreReadAndWrittenAlike) {
  for (char32_t character = 0; character <= 0x10FFFF; character += 7) {
    if (character >= 0xD800 && character < 0xE000) continue;
    const std::string text = Utf8(character);
    EXPECT_EQ(ToValidUtf8(text), text);
    EXPECT_EQ(FirstCharacter(text + "z").character, character);
    EXPECT_EQ(FirstCharacter(text).size, text.size());
    EXPECT_EQ(LastCharacter("z" + text).character, character);
    EXPECT_EQ(LastCharacter(text).size, text.size());
  }
}

TEST(ReplaceAll, GoesFromTheLeft) {
  EXPECT_EQ(ReplaceAll("aaa", "aa", "b"), "ba");
  EXPECT_EQ(ReplaceAll("a b  c ", " ", "\u2581"), "a\u2581b\u2581\u2581c\u2581");
  EXPECT_EQ(ReplaceAll("abab", "ab", ""), "");
  EXPECT_EQ(ReplaceAll("", "a", "b"), "");
}

// Expected: str.lower() of Python 3.13.
TEST(LowerAsPython, LowersEveryAlphabet) {
  EXPECT_EQ(LowerAsPython("AZaz09[@`{"), "azaz09[@`{");
  EXPECT_EQ(LowerAsPython("ÀÖØÞ×ß"), "àöøþ×ß");
  EXPECT_EQ(LowerAsPython("ĀŊŸŽẞ"), "āŋÿžß");
  EXPECT_EQ(LowerAsPython("ДВЕ СОБАКИ Ӏ"), "две собаки ӏ");
  EXPECT_EQ(LowerAsPython("ǅǄǇ"), "ǆǆǉ");
  EXPECT_EQ(LowerAsPython("\u1E9E\u2126\u212A\u212B"), "ß\u03C9k\u00E5");
  EXPECT_EQ(LowerAsPython("ႠᲐᏰ\uA7C7"), "ⴀა\u13F8\uA7C8");
  EXPECT_EQ(LowerAsPython("\U00010400\U0001E921"), "\U00010428\U0001E943");
  EXPECT_EQ(LowerAsPython("一猫"), "一猫");
}

TEST(LowerAsPython, GivesTwoCharactersForTheDottedI) {
  EXPECT_EQ(LowerAsPython("İI"), "i\u0307i");
  EXPECT_EQ(LowerAsRust("İI"), "i\u0307i");
}

TEST(LowerAsPython, KnowsTheFinalSigma) {
  EXPECT_EQ(LowerAsPython("ΟΔΟΣ"), "οδος");
  EXPECT_EQ(LowerAsPython("ΟΔΟΣ ΣΑΣ"), "οδος σας");
  EXPECT_EQ(LowerAsPython("Σ"), "σ");
  EXPECT_EQ(LowerAsPython("ΑΣΑ"), "ασα");
  EXPECT_EQ(LowerAsPython("1Σ"), "1σ");
  EXPECT_EQ(LowerAsPython("ΑΣ."), "ας.");
  // Accents, full stops and apostrophes are passed over ...
  EXPECT_EQ(LowerAsPython("ΑΣ.Α"), "ασ.α");
  EXPECT_EQ(LowerAsPython("Α\u0301'Σ\u0301"), "α\u0301'ς\u0301");
  EXPECT_EQ(LowerAsPython("ΑΣ'\u00AD:Α"), "ασ'\u00AD:α");
  // ... but not spaces.
  EXPECT_EQ(LowerAsPython("ΑΣ Α"), "ας α");
  EXPECT_EQ(LowerAsPython("Α Σ"), "α σ");
}

TEST(LowerAsRust, LooksAtEachCharacterAlone) {
  EXPECT_EQ(LowerAsRust("ΟΔΟΣ"), "οδοσ");
  EXPECT_EQ(LowerAsRust("ÄẞДǅ\U00010400"), "äßдǆ\U00010428");
}

// Letters of Unicode 16 and 17, which only the newer of the two references knows.
TEST(LowerAsRust, KnowsNewerLetters) {
  EXPECT_EQ(LowerAsRust("\u1C89\uA7CB\uA7DC\U00010D50\U00016EA0"),
            "\u1C8A\u0264\u019B\U00010D70\U00016EBB");
  EXPECT_EQ(LowerAsPython("\u1C89\uA7CB\uA7DC\U00010D50\U00016EA0"),
            "\u1C89\uA7CB\uA7DC\U00010D50\U00016EA0");
}

TEST(Spaces, DifferInAsciiSeparators) {
  int python = 0;
  int rust = 0;
  for (char32_t character = 0; character <= 0x10FFFF; ++character) {
    python += IsPythonSpace(character) ? 1 : 0;
    rust += IsRustSpace(character) ? 1 : 0;
  }
  EXPECT_EQ(python, 29);  // sum(chr(c).isspace() for c in range(0x110000))
  EXPECT_EQ(rust, 25);    // White_Space in PropList.txt
  for (const char32_t character :
       {U'\t', U' ', U'\x85', U'\xA0', U'\u1680', U'\u2028', U'\u3000'}) {
    EXPECT_TRUE(IsPythonSpace(character) && IsRustSpace(character));
  }
  EXPECT_TRUE(IsPythonSpace(0x1C) && !IsRustSpace(0x1C));
  for (const char32_t character : {U'\u200B', U'\uFEFF', U'\u180E', U'\u2060', U'\0', U'a'}) {
    EXPECT_FALSE(IsPythonSpace(character) || IsRustSpace(character));
  }
}

TEST(IsRustWord, HoldsLettersMarksDigitsAndJoiners) {
  for (const char32_t character : {U'a', U'Z', U'0', U'_', U'é', U'\u0301', U'猫', U'\u200D',
                                   U'\u0660', U'\u203F', U'Ⅷ', U'Ⓐ'}) {
    EXPECT_TRUE(IsRustWord(character)) << static_cast<uint32_t>(character);
  }
  for (const char32_t character : {U' ', U'-', U'!', U'½', U'\u2581', U'€', U'\u200B', U'🐈'}) {
    EXPECT_FALSE(IsRustWord(character)) << static_cast<uint32_t>(character);
  }
}

}  // namespace
}  // namespace siglip
