// What a run says of pictures beside their embeddings.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/embedder_test_support.h"
#include "image/grey_means.h"
#include "siglip/embedder.hpp"

namespace siglip {
namespace {

constexpr const char* kTimes = SIGLIP_SOURCE_DIR "/tests/data/times/";
constexpr const char* kImages = SIGLIP_SOURCE_DIR "/tests/data/images/";

/// One for each threads and numbers in flight, of the same pictures.
void ForSeveralRuns(const std::vector<Picture>& pictures, const auto& embedder, const auto& check) {
  for (const int threads : {1, 3}) {
    for (const int in_flight : {1, 5}) {
      check(RunAll(embedder(threads), pictures, {.in_flight = in_flight, .details = true}));
    }
  }
}

TEST(EmbedderDetailsTest, ArePartOfAResultOnRequestOnly) {
  const std::vector<Picture> pictures = {Picture::File(std::string(kTimes) + "all.jpg")};
  const Embedder embedder = MakeEmbedder();
  const EmbedResult without = RunAll(embedder, pictures).at(0);
  const EmbedResult with = RunAll(embedder, pictures, {.details = true}).at(0);
  EXPECT_FALSE(without.details);
  ASSERT_TRUE(with.details);
  EXPECT_EQ(with.details->format, "jpeg");
  ASSERT_TRUE(with.details->taken);
  EXPECT_EQ(with.details->taken->ToString(), "2024-05-17T09:30:05+05:30");
  EXPECT_TRUE(SameBits(with.embedding, without.embedding));
}

TEST(EmbedderDetailsTest, NameTheFormatByTheBytes) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"rgb-stored.jpg", "jpeg"}, {"png-8-2.png", "png"},          {"orientation-1.webp", "webp"},
      {"gif-plain.gif", "gif"},   {"bmp-24.bmp", "bmp"},           {"tiff-lzw.tiff", "tiff"},
      {"avif-420.avif", "avif"},  {"pnm-binary-3-255.pnm", "pnm"}, {"colour.heic", "heic"}};
  for (const auto& [name, format] : files) {
    const EmbedResult result =
        RunAll(MakeEmbedder(), {Picture::File(kImages + name)}, {.details = true}).at(0);
    if (result.error && result.error->code() == ErrorCode::kUnsupported) continue;  // left out
    ASSERT_FALSE(result.error) << result.error->what();
    EXPECT_EQ(result.details->format, format);
    EXPECT_EQ(result.details->taken, std::nullopt);
  }
  const std::vector<uint8_t> pixels(40 * 30 * 3, 200);
  const Picture picture = Picture::Pixels(pixels, {.width = 40, .height = 30});
  const EmbedResult result = RunAll(MakeEmbedder(), {picture}, {.details = true}).at(0);
  ASSERT_TRUE(result.details);
  EXPECT_EQ(result.details->format, "");
  PictureGreys expected;
  expected.fill(200);
  EXPECT_EQ(result.details->greys, expected);
}

TEST(EmbedderDetailsTest, GreysAreOfTheResizedUprightPicture) {
  std::vector<Picture> pictures;
  std::vector<Image> images;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const std::string ending : {".jpg", ".png"}) {
      const std::string path = kImages + ("orientation-" + std::to_string(orientation)) + ending;
      pictures.push_back(Picture::File(path));
      images.push_back(DecodeImageFile(path));
    }
  }
  ForSeveralRuns(
      pictures, [](int threads) { return MakeEmbedder(threads); },
      [&](const std::vector<EmbedResult>& results) {
        for (size_t i = 0; i < results.size(); ++i) {
          const Image resized =
              Resize(images[i], 32, 32, TinyPreprocessing().resample, PreprocessMode::kTorchvision);
          EXPECT_EQ(results[i].details->greys, GreyMeans(resized)) << results[i].name;
        }
      });
  ForSeveralRuns(
      pictures, [](int threads) { return MakeNaflexEmbedder(threads); },
      [&](const std::vector<EmbedResult>& results) {
        for (size_t i = 0; i < results.size(); ++i) {
          const auto [rows, columns] =
              TinyNaflexProcessor().SpatialShape(images[i].height, images[i].width);
          const Image resized =
              Resize(images[i], rows * 8, columns * 8, TinyNaflexProcessor().config().resample,
                     PreprocessMode::kTorchvision);
          EXPECT_EQ(results[i].details->greys, GreyMeans(resized)) << results[i].name;
        }
      });
}

TEST(EmbedderDetailsTest, AreMissingAfterAFailureOfDecoding) {
  std::ifstream stream(std::string(kTimes) + "all.jpg", std::ios::binary);
  std::string half{std::istreambuf_iterator<char>(stream), {}};
  half.resize(half.size() - 30);  // in its pixels
  for (const std::string& bytes : {std::string("no picture"), half}) {
    const EmbedResult result =
        RunAll(MakeEmbedder(), {Picture::Bytes(bytes)}, {.details = true}).at(0);
    EXPECT_TRUE(result.error);
    EXPECT_FALSE(result.details);
  }
}

}  // namespace
}  // namespace siglip
