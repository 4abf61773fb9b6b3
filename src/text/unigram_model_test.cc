// Tests of the unigram model by sums that can be added up by hand.
#include "text/unigram_model.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "expect_error.h"

namespace siglip {
namespace {

using Ids = std::vector<int32_t>;

Ids Encode(const UnigramParameters& parameters, std::string_view word) {
  Ids ids;
  UnigramModel(parameters, "x").Encode(word, ids);
  return ids;
}

TEST(UnigramModel, TakesTheGreatestSum) {
  const UnigramParameters parameters = {
      {{"<unk>", 0}, {"a", -1}, {"b", -1}, {"ab", -1.5}, {"ba", -3}, {"aba", -4}}, 0, false};
  EXPECT_EQ(Encode(parameters, "ab"), (Ids{3}));          // -1.5, not -2
  EXPECT_EQ(Encode(parameters, "aba"), (Ids{3, 1}));      // -2.5, not -3 or -4
  EXPECT_EQ(Encode(parameters, "baab"), (Ids{2, 1, 3}));  // -3.5, not -4.5
  EXPECT_EQ(Encode(parameters, ""), (Ids{}));
}

TEST(UnigramModel, UnknownNeighboursAreOnePiece) {
  UnigramParameters parameters = {
      {{"<unk>", 0}, {"a", -1}, {"<0xC3>", -2}, {"<0xA9>", -2}}, 0, false};
  EXPECT_EQ(Encode(parameters, "éxaé"), (Ids{0, 1, 0}));
  parameters.byte_fallback = true;
  EXPECT_EQ(Encode(parameters, "éa"), (Ids{2, 3, 1}));
  EXPECT_EQ(Encode(parameters, "éx"), (Ids{0})) << "x has no piece for its byte";
}

TEST(UnigramModel, OfPiecesThatAreThereTwiceTheLaterCounts) {
  const UnigramModel model({{{"<unk>", 0}, {"a", -1}, {"a", -2}, {"", -1}}, 0, false}, "x");
  EXPECT_EQ(model.Find("a"), 2);
  EXPECT_EQ(model.Find(""), std::nullopt);
  EXPECT_EQ(*model.Piece(1), "a");
  EXPECT_EQ(model.Piece(4), nullptr);
  EXPECT_EQ(model.Piece(-1), nullptr);
  EXPECT_EQ(model.largest_id(), 3);
}

TEST(UnigramModel, RefusesWhatItCannotUse) {
  const auto expect = [](ErrorCode code, const UnigramParameters& parameters, const char* part) {
    ExpectError(code, {"x: field 'model.", part}, [&] { UnigramModel(parameters, "x"); });
  };
  expect(ErrorCode::kMalformedFile, {{}, 0, false}, "unk_id");
  expect(ErrorCode::kMalformedFile, {{{"a", 0}}, 1, false}, "unk_id");
  expect(ErrorCode::kMalformedFile, {{{"a", std::numeric_limits<double>::infinity()}}, 0, false},
         "vocab[0]");
  expect(ErrorCode::kLimitExceeded, {{{std::string(513, 'a'), 0}}, 0, false}, "513 bytes");
}

}  // namespace
}  // namespace siglip
