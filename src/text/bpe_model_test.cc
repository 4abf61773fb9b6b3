// Tests of byte pair encoding; expected ids follow from the rules, or are those of `tokenizers`.
#include "text/bpe_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "expect_error.h"
#include "text/pair_table.h"

namespace siglip {
namespace {

using Ids = std::vector<int32_t>;

/// Tokens get their places in the list as ids.
BpeParameters Parameters(const std::vector<std::string>& vocab,
                         std::vector<std::pair<std::string, std::string>> merges = {}) {
  BpeParameters parameters;
  for (const std::string& token : vocab) {
    parameters.vocab.emplace_back(token, static_cast<int32_t>(parameters.vocab.size()));
  }
  parameters.merges = std::move(merges);
  return parameters;
}

Ids Encode(const BpeParameters& parameters, std::string_view word) {
  Ids ids;
  BpeModel(parameters, "x").Encode(word, ids);
  return ids;
}

TEST(BpeModel, DoesTheEarliestMergeFirst) {
  // Of "abc" either "ab" or "bc" can be merged, not both.
  const std::vector<std::string> vocab = {"a", "b", "c", "ab", "bc"};
  EXPECT_EQ(Encode(Parameters(vocab, {{"a", "b"}, {"b", "c"}}), "abc"), (Ids{3, 2}));
  EXPECT_EQ(Encode(Parameters(vocab, {{"b", "c"}, {"a", "b"}}), "abc"), (Ids{0, 4}));
}

TEST(BpeModel, MergesFromTheLeftAndOnward) {
  const BpeParameters parameters = Parameters({"x", "xx", "xxxx"}, {{"x", "x"}, {"xx", "xx"}});
  EXPECT_EQ(Encode(parameters, "xxx"), (Ids{1, 0}));
  EXPECT_EQ(Encode(parameters, "xxxxx"), (Ids{2, 0}));
  EXPECT_EQ(Encode(parameters, "xxxxxxx"), (Ids{2, 1, 0}));
}

TEST(BpeModel, OfAMergeThatIsThereTwiceTheLaterPlaceCounts) {
  const std::vector<std::string> vocab = {"a", "b", "c", "ab", "bc"};
  EXPECT_EQ(Encode(Parameters(vocab, {{"a", "b"}, {"b", "c"}, {"a", "b"}}), "abc"), (Ids{0, 4}));
}

TEST(BpeModel, UnknownCharactersAreLeftOutWithoutAnUnknownToken) {
  EXPECT_EQ(Encode(Parameters({"a"}), "?a猫"), (Ids{0}));
  EXPECT_EQ(Encode(Parameters({"a"}), ""), (Ids{}));
}

TEST(BpeModel, UnknownCharactersAreFusedOnlyIfAsked) {
  BpeParameters parameters = Parameters({"a", "<unk>"});
  parameters.unk_token = "<unk>";
  EXPECT_EQ(Encode(parameters, "?!a?"), (Ids{1, 1, 0, 1}));
  parameters.fuse_unk = true;
  EXPECT_EQ(Encode(parameters, "?!a?"), (Ids{1, 0, 1}));
}

TEST(BpeModel, FallsBackToBytes) {
  BpeParameters parameters = Parameters({"<0xC3>", "<0xA9>", "<unk>", "a"});
  parameters.unk_token = "<unk>";
  parameters.byte_fallback = true;
  EXPECT_EQ(Encode(parameters, "é"), (Ids{0, 1}));
  EXPECT_EQ(Encode(parameters, "è"), (Ids{2})) << "one of its bytes has no token";
  // As tokenizers does it: the unknown token waits behind the bytes for the next known character.
  EXPECT_EQ(Encode(parameters, "èéa"), (Ids{0, 1, 2, 3}));
  parameters.byte_fallback = false;
  EXPECT_EQ(Encode(parameters, "é"), (Ids{2}));
}

TEST(BpeModel, KnowsWholeWordsWithoutMergesOnlyIfAsked) {
  BpeParameters parameters = Parameters({"a", "b", "ab"});
  EXPECT_EQ(Encode(parameters, "ab"), (Ids{0, 1}));
  parameters.ignore_merges = true;
  EXPECT_EQ(Encode(parameters, "ab"), (Ids{2}));
  EXPECT_EQ(Encode(parameters, "aba"), (Ids{0, 1, 0}));
}

TEST(BpeModel, FindsPiecesAndIds) {
  const BpeModel model(Parameters({"a", "b"}), "x");
  EXPECT_EQ(model.Find("b"), 1);
  EXPECT_EQ(model.Find("c"), std::nullopt);
  EXPECT_EQ(*model.Piece(0), "a");
  EXPECT_EQ(model.Piece(2), nullptr);
  EXPECT_EQ(model.Piece(-1), nullptr);
  EXPECT_EQ(model.Piece(int64_t{1} << 40), nullptr);
  EXPECT_EQ(BpeModel({}, "x").largest_id(), -1);
}

TEST(BpeModel, RefusesWhatDoesNotFit) {
  const auto expect = [](const std::vector<std::string>& parts, const BpeParameters& parameters) {
    ExpectError(ErrorCode::kMalformedFile, parts, [&] { BpeModel(parameters, "file"); });
  };
  expect({"file", "model.merges[1]", "\"c\" is not in"},
         Parameters({"a", "b", "ab"}, {{"a", "b"}, {"b", "c"}}));
  expect({"model.merges[0]", "\"ab\" is not in"}, Parameters({"a", "b"}, {{"a", "b"}}));
  BpeParameters same_id = Parameters({"a", "b"});
  same_id.vocab[1].second = 0;
  expect({"model.vocab", "id 0 of another"}, same_id);
  expect({"\"a\" is there twice"}, Parameters({"a", "a"}));
  BpeParameters no_unk = Parameters({"a"});
  no_unk.unk_token = "<unk>";
  expect({"model.unk_token", "\"<unk>\""}, no_unk);
}

// A word as long as this would take hours if every merge looked at all of it.
TEST(BpeModel, TakesTimeInProportionToTheText) {
  const BpeParameters parameters =
      Parameters({"a", "b", "ab", "abab", "ba"}, {{"a", "b"}, {"ab", "ab"}, {"b", "a"}});
  std::string word;
  while (word.size() < (1 << 20)) word += "ab";
  EXPECT_EQ(Encode(parameters, word), Ids(word.size() / 4, 3));
}

TEST(PairTable, FindsWhatWasSet) {
  constexpr int32_t kIds = 300;
  PairTable table(kIds * kIds);
  for (int32_t left = 0; left < kIds; ++left) {
    for (int32_t right = 0; right < kIds; ++right) {
      table.Set(left, right, static_cast<uint32_t>(left * kIds + right));
    }
  }
  table.Set(7, 8, 1);
  for (int32_t left = 0; left < kIds; ++left) {
    for (int32_t right = 0; right < kIds; ++right) {
      const auto expected = static_cast<uint32_t>(left * kIds + right);
      ASSERT_EQ(table.Find(left, right), left == 7 && right == 8 ? 1 : expected);
    }
  }
  EXPECT_EQ(table.Find(kIds, 0), PairTable::kNoRank);
  EXPECT_EQ(PairTable(0).Find(0, 0), PairTable::kNoRank);
}

}  // namespace
}  // namespace siglip
