// Tests of tokens that are found in texts; expected pieces are those of the library `tokenizers`.
#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace siglip {
namespace {

AddedToken Token(const std::string& content, int32_t id) {
  AddedToken token;
  token.content = content;
  token.id = id;
  return token;
}

/// The pieces as "text|text", tokens as "<id:text>".
std::string Shown(const AddedTokens& tokens, std::string_view text) {
  std::string shown;
  for (const auto& [piece, id] : tokens.Split(text)) {
    if (!shown.empty()) shown += "|";
    shown += id == AddedTokens::kNoToken
                 ? std::string(piece)
                 : "<" + std::to_string(id) + ":" + std::string(piece) + ">";
  }
  return shown;
}

TEST(AddedTokens, WithoutTokensTheTextIsOnePiece) {
  EXPECT_EQ(Shown(AddedTokens(), "a b"), "a b");
  EXPECT_EQ(Shown(AddedTokens(), ""), "");
}

TEST(AddedTokens, TakesTheLeftmostAndThenTheLongest) {
  const AddedTokens tokens({Token("ab", 1), Token("abcd", 2), Token("bc", 3), Token("x", 4)});
  EXPECT_EQ(Shown(tokens, "abc"), "<1:ab>|c");
  EXPECT_EQ(Shown(tokens, "abcd"), "<2:abcd>");
  EXPECT_EQ(Shown(tokens, "zbcabxx"), "z|<3:bc>|<1:ab>|<4:x>|<4:x>");
  EXPECT_EQ(Shown(tokens, "aab"), "a|<1:ab>");
}

TEST(AddedTokens, AreFoundByTheirBytes) {
  const AddedTokens tokens({Token("é", 1), Token("\n\n", 2), Token("\n", 3), Token("\u2581", 4)});
  EXPECT_EQ(Shown(tokens, "café\n\n\n\u2581è"), "caf|<1:é>|<2:\n\n>|<3:\n>|<4:\u2581>|è");
}

TEST(AddedTokens, StripWhiteSpaceBesideThem) {
  AddedToken left = Token("<l>", 1);
  left.lstrip = true;
  AddedToken right = Token("<r>", 2);
  right.rstrip = true;
  const AddedTokens tokens({left, right});
  EXPECT_EQ(Shown(tokens, "a \u3000<l> b"), "a|<1: \u3000<l>>| b");
  EXPECT_EQ(Shown(tokens, "a <r> \t\u00A0b"), "a |<2:<r> \t\u00A0>|b");
  EXPECT_EQ(Shown(tokens, "<r>  <l>"), "<2:<r>  >|<1:<l>>");
  EXPECT_EQ(Shown(tokens, " <l><r> "), "<1: <l>>|<2:<r> >");
  EXPECT_EQ(Shown(tokens, "<r>\x1C"), "<2:<r>>|\x1C");  // no white space to Rust
}

TEST(AddedTokens, CountInsideStrippedWhiteSpaceUnlessNothingIsLeft) {
  AddedToken right = Token("<r>", 1);
  right.rstrip = true;
  AddedToken space = Token("\u3000", 2);
  space.lstrip = space.rstrip = true;
  const AddedTokens tokens({right, Token("\u3000dog", 3), space});
  EXPECT_EQ(Shown(tokens, "<r>\u3000dogs"), "<1:<r>\u3000>|<3:\u3000dog>|s");
  EXPECT_EQ(Shown(tokens, "<r>\u3000\u3000x"), "<1:<r>\u3000\u3000>|x");
}

TEST(AddedTokens, OfSingleWordsStandAlone) {
  AddedToken word = Token("cat", 1);
  word.single_word = true;
  const AddedTokens tokens({word});
  EXPECT_EQ(Shown(tokens, "cat, concat cats cat_ écat cat"),
            "<1:cat>|, concat cats cat_ écat |<1:cat>");
  EXPECT_EQ(Shown(tokens, "cat\u0301 -cat-"), "cat\u0301 -|<1:cat>|-");
}

TEST(AddedTokens, TakeTimeInProportionToTheText) {
  AddedToken newline = Token("\n", 1);
  newline.lstrip = newline.rstrip = true;
  const AddedTokens tokens({newline, Token(std::string(kMaxAddedTokenBytes, 'a'), 2)});
  EXPECT_EQ(tokens.Split(std::string(1 << 20, '\n')).size(), 1U);
  EXPECT_EQ(tokens.Split(std::string(1 << 20, 'b')).size(), 1U);
  EXPECT_EQ(tokens.Split(std::string(1 << 20, 'a')).size(), (1U << 20) / kMaxAddedTokenBytes);
}

}  // namespace
}  // namespace siglip
