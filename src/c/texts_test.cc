// Texts, comparing and fingerprints against the embedder of C++.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "c/c_test_support.h"
#include "siglip/fingerprint.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/transformers/tokenizer.hpp"

namespace siglip {
namespace {

const std::array<const char*, 4> kTexts = {"a red heart", "a blue star", "", "ein Bär"};
const std::vector<std::string> kTextsInCpp(kTexts.begin(), kTexts.end());

TEST(CTexts, SameBitsAsTheEmbedder) {
  for (const bool normalize : {false, true}) {
    auto options = NewOptions<siglip_embed_options>();
    options.normalize = normalize ? 1 : 0;
    std::vector<float> found(kTexts.size() * kDimension + 1, 7);
    EXPECT_STATUS(SIGLIP_OK, siglip_embed_texts(Demo(), kTexts.data(), nullptr, kTexts.size(),
                                                &options, found.data(), found.size()));
    const Tensor expected = DemoInCpp().EmbedTexts(kTextsInCpp, {.normalize = normalize});
    EXPECT_EQ(found.back(), 7);
    found.pop_back();
    EXPECT_TRUE(SameBits(found, expected.floats()));
  }
}

TEST(CTexts, LengthsTakeThePlaceOfNul) {
  const std::string all = "a red heartein B";
  const std::string with_nul("a\0b", 3);
  const std::array texts = {all.data(), all.data() + 11, all.data(), with_nul.data()};
  const std::array<size_t, 4> lengths = {11, 5, 0, 3};
  std::vector<int64_t> found(4 * 24);
  EXPECT_STATUS(SIGLIP_OK, siglip_tokenize(Demo(), texts.data(), lengths.data(), 4, found.data(),
                                           found.size()));
  const Tensor expected =
      DemoInCpp().tokenizer()(std::vector<std::string>{"a red heart", "ein B", "", with_nul});
  EXPECT_TRUE(std::ranges::equal(found, expected.values<int64_t>()));
}

TEST(CTexts, ArgumentsThatCannotBe) {
  std::vector<float> room(4 * kDimension, 7);
  std::vector<int64_t> ids(4 * 24, 7);
  const auto embed = [&](const char* const* texts, const size_t* lengths, size_t n, float* out,
                         size_t count) {
    return siglip_embed_texts(Demo(), texts, lengths, n, nullptr, out, count);
  };
  const auto expect = [](siglip_status expected, const std::string& words, siglip_status found) {
    ExpectFailure(expected, {words}, found);
  };
  const char* const* const texts = kTexts.data();
  float* const out = room.data();
  expect(SIGLIP_INVALID_ARGUMENT, "embedder",
         siglip_embed_texts(nullptr, texts, nullptr, 1, nullptr, out, 128));
  expect(SIGLIP_INVALID_ARGUMENT, "texts", embed(nullptr, nullptr, 1, out, 128));
  expect(SIGLIP_INVALID_ARGUMENT, "at least one", embed(texts, nullptr, 0, out, 128));
  expect(SIGLIP_INVALID_ARGUMENT, "embeddings", embed(texts, nullptr, 1, nullptr, 128));
  expect(SIGLIP_INVALID_ARGUMENT, "256", embed(texts, nullptr, 2, out, 255));
  expect(SIGLIP_INVALID_ARGUMENT, "overflows", embed(texts, nullptr, SIZE_MAX / 100, out, 512));
  const std::array<const char*, 2> with_null = {"a", nullptr};
  expect(SIGLIP_INVALID_ARGUMENT, "text 1", embed(with_null.data(), nullptr, 2, out, 512));
  const std::array<size_t, 1> too_long = {kMaxTextBytes + 1};
  expect(SIGLIP_LIMIT_EXCEEDED, "text 0", embed(texts, too_long.data(), 1, out, 512));
  const std::string long_text(kMaxTextBytes + 1, 'a');
  const char* const long_pointer = long_text.c_str();
  expect(SIGLIP_LIMIT_EXCEEDED, "text 0", embed(&long_pointer, nullptr, 1, out, 512));
  auto options = NewOptions<siglip_embed_options>();
  options.output = SIGLIP_OUTPUT_TOKENS;
  expect(SIGLIP_INVALID_ARGUMENT, "tokens",
         siglip_embed_texts(Demo(), texts, nullptr, 1, &options, out, 512));

  expect(SIGLIP_INVALID_ARGUMENT, "embedder",
         siglip_tokenize(nullptr, texts, nullptr, 1, ids.data(), 24));
  expect(SIGLIP_INVALID_ARGUMENT, "texts",
         siglip_tokenize(Demo(), nullptr, nullptr, 1, ids.data(), 24));
  expect(SIGLIP_INVALID_ARGUMENT, "input_ids",
         siglip_tokenize(Demo(), texts, nullptr, 1, nullptr, 24));
  expect(SIGLIP_INVALID_ARGUMENT, "24", siglip_tokenize(Demo(), texts, nullptr, 1, ids.data(), 23));
  EXPECT_EQ(room, std::vector<float>(room.size(), 7));
  EXPECT_EQ(ids, std::vector<int64_t>(ids.size(), 7));
}

TEST(CCompare, SameBitsAsTheEmbedder) {
  const Tensor pictures = DemoInCpp().Embed(FilesInCpp(PicturePaths(3)));
  const Tensor texts = DemoInCpp().EmbedTexts(kTextsInCpp);
  const Tensor expected = DemoInCpp().Probabilities(pictures, texts);
  const Tensor expected_logits =
      DemoInCpp().logits()(NormalizeRows(pictures), NormalizeRows(texts));
  const float* const left = pictures.floats().data();
  const float* const right = texts.floats().data();
  std::vector<float> logits(12);
  std::vector<float> probabilities(12);
  EXPECT_STATUS(SIGLIP_OK, siglip_compare(Demo(), left, 3, right, 4, kDimension, logits.data(),
                                          probabilities.data(), 12));
  EXPECT_TRUE(SameBits(logits, expected_logits.floats()));
  EXPECT_TRUE(SameBits(probabilities, expected.floats()));

  std::vector<float> only(12);
  EXPECT_STATUS(SIGLIP_OK,
                siglip_compare(Demo(), left, 3, right, 4, kDimension, nullptr, only.data(), 12));
  EXPECT_EQ(only, probabilities);
  EXPECT_STATUS(SIGLIP_OK,
                siglip_compare(Demo(), left, 3, right, 4, kDimension, only.data(), nullptr, 12));
  EXPECT_EQ(only, logits);

  float* const out = only.data();
  const auto expect = [](const std::string& words, siglip_status status) {
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {words}, status);
  };
  expect("embedder", siglip_compare(nullptr, left, 3, right, 4, kDimension, out, out, 12));
  expect("pictures", siglip_compare(Demo(), nullptr, 3, right, 4, kDimension, out, out, 12));
  expect("texts", siglip_compare(Demo(), left, 3, nullptr, 4, kDimension, out, out, 12));
  expect("pictures", siglip_compare(Demo(), left, 0, right, 4, kDimension, out, out, 12));
  expect("texts", siglip_compare(Demo(), left, 3, right, 0, kDimension, out, out, 12));
  expect("pictures", siglip_compare(Demo(), left, 3, right, 4, 0, out, out, 12));
  expect("overflows", siglip_compare(Demo(), left, SIZE_MAX, right, 4, kDimension, out, out, 12));
  expect("overflows", siglip_compare(Demo(), left, 3, right, 4, SIZE_MAX, out, out, 12));
  expect("12", siglip_compare(Demo(), left, 3, right, 4, kDimension, out, out, 11));
  expect("probabilities",
         siglip_compare(Demo(), left, 3, right, 4, kDimension, nullptr, nullptr, 12));
  EXPECT_EQ(only, logits);
}

TEST(CFingerprint, IsThatOfTheEmbedderAsJson) {
  auto options = NewOptions<siglip_embed_options>();
  options.normalize = 1;
  for (const auto& [content, in_cpp] :
       {std::pair(SIGLIP_CONTENT_PICTURES, EmbeddingContent::kPictures),
        std::pair(SIGLIP_CONTENT_TEXTS, EmbeddingContent::kTexts),
        std::pair(SIGLIP_CONTENT_PICTURES_AND_TEXTS, EmbeddingContent::kPicturesAndTexts)}) {
    const std::string expected = DemoInCpp().fingerprint(in_cpp, {.normalize = true}).ToJson();
    size_t length = 0;
    EXPECT_STATUS(SIGLIP_OK, siglip_fingerprint(Demo(), content, &options, nullptr, 0, &length));
    EXPECT_EQ(length, expected.size());
    std::vector<char> text(length + 1, 'x');
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"capacity", std::to_string(length + 1)},
                  siglip_fingerprint(Demo(), content, &options, text.data(), length, &length));
    EXPECT_EQ(text, std::vector<char>(length + 1, 'x'));
    EXPECT_STATUS(SIGLIP_OK,
                  siglip_fingerprint(Demo(), content, &options, text.data(), text.size(), nullptr));
    EXPECT_EQ(expected, text.data());
  }
  char room[8];
  size_t length = 7;
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"content"},
                siglip_fingerprint(Demo(), SIGLIP_CONTENT_LAST_, nullptr, room, 8, &length));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"text"},
                siglip_fingerprint(Demo(), SIGLIP_CONTENT_PICTURES, nullptr, nullptr, 8, &length));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"length"},
                siglip_fingerprint(Demo(), SIGLIP_CONTENT_PICTURES, nullptr, nullptr, 0, nullptr));
  EXPECT_EQ(length, 7U);
}

}  // namespace
}  // namespace siglip
