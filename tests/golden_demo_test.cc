// The demo model end to end, from files and words to predicted classes, against what transformers
// computed for 400 held-out pictures (tests/golden/demo-model-eval/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "golden_values.h"
#include "siglip/embedder.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/zero_shot_classifier.hpp"

namespace siglip {
namespace {

const std::filesystem::path kModel = std::filesystem::path(SIGLIP_SOURCE_DIR) / "models/demo";
const std::filesystem::path kEval = kGolden / "demo-model-eval";

/// The strings between quotes that follow `key` and a colon, or all of them without a key. Enough
/// for the two files of this folder, whose strings hold neither quotes nor backslashes.
std::vector<std::string> ReadStrings(const std::string& file, const std::string& key = "") {
  std::ifstream stream(kEval / file);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const std::string opening = key.empty() ? "\"" : "\"" + key + "\": \"";
  std::vector<std::string> strings;
  for (size_t begin = text.find(opening); begin != std::string::npos;
       begin = text.find(opening, begin)) {
    begin += opening.size();
    const size_t end = text.find('"', begin);
    strings.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return strings;
}

std::vector<std::string> Pictures() {
  std::vector<std::string> paths;
  for (const std::string& name : ReadStrings("labels.json", "file")) {
    paths.push_back((kEval / name).string());
  }
  return paths;
}

Embedder Load(Precision precision) {
  EmbedderOptions options;
  options.precision = precision;
  options.preprocess = PreprocessMode::kPillow13;  // what computed the expected values
  return Embedder::Open(kModel, options);
}

Tensor EmbedPictures(const Embedder& embedder) {
  std::vector<Picture> pictures;
  for (const std::string& path : Pictures()) pictures.push_back(Picture::File(path));
  return embedder.Embed(pictures);
}

std::vector<size_t> Predict(const Embedder& embedder, const Tensor& embeds) {
  const ZeroShotClassifier classifier(embedder, ReadStrings("prompts.json"), {"{}"});
  std::vector<size_t> predicted;
  for (size_t i = 0; i < static_cast<size_t>(embeds.dim(0)); ++i) {
    const auto row = embeds.floats().subspan(i * 128, 128);
    predicted.push_back(classifier(Tensor({128}, {row.begin(), row.end()})).front().label);
  }
  return predicted;
}

std::vector<size_t> ExpectedClasses() {
  const SafetensorsFile file = SafetensorsFile::Open(kEval / "expected.safetensors");
  const Tensor predicted(file.Get("predicted"));  // a copy: a file may hold them unaligned
  const auto values = predicted.values<int64_t>();
  return {values.begin(), values.end()};
}

TEST(GoldenDemo, EmbeddingsAndClassesEqualTheReference) {
  const SafetensorsFile expected = SafetensorsFile::Open(kEval / "expected.safetensors");
  const Embedder embedder = Load(Precision::kFloat32);
  const Tensor pictures = EmbedPictures(embedder);
  ASSERT_EQ(pictures.dim(0), 400);
  EXPECT_LE(LargestRowError(pictures, ReadFloats(expected, "image_embeds")), kTolerance);

  const std::vector<std::string> prompts = ReadStrings("prompts.json");
  ASSERT_EQ(prompts.size(), 120U);
  EXPECT_LE(LargestRowError(embedder.EmbedTexts(prompts), ReadFloats(expected, "text_embeds")),
            kTolerance);
  const std::vector<std::string> captions = ReadStrings("labels.json", "caption");
  ASSERT_EQ(captions.size(), 400U);
  EXPECT_LE(LargestRowError(embedder.EmbedTexts(captions), ReadFloats(expected, "caption_embeds")),
            kTolerance);
  EXPECT_EQ(Predict(embedder, pictures), ExpectedClasses());
}

/// The accuracy promised for the precisions that are not exact.
TEST(GoldenDemo, OtherPrecisionsKeepDirectionsAndClasses) {
  const SafetensorsFile expected = SafetensorsFile::Open(kEval / "expected.safetensors");
  const std::vector<size_t> classes = ExpectedClasses();
  for (const auto& [precision, mean, worst, agreement] :
       {std::tuple{Precision::kBFloat16, 0.9999, 0.9995, 0.995},
        std::tuple{Precision::kInt8, 0.9995, 0.998, 0.985}}) {
    const Embedder embedder = Load(precision);
    const Tensor pictures = EmbedPictures(embedder);
    const Tensor found = NormalizeRows(pictures);
    const Tensor exact = NormalizeRows(ReadFloats(expected, "image_embeds"));
    double sum = 0;
    double lowest = 1;
    for (size_t i = 0; i < 400; ++i) {
      double cosine = 0;
      for (size_t d = i * 128; d < (i + 1) * 128; ++d) {
        cosine += static_cast<double>(found.floats()[d]) * exact.floats()[d];
      }
      sum += cosine;
      lowest = std::min(lowest, cosine);
    }
    EXPECT_GE(sum / 400, mean) << ToString(precision);
    EXPECT_GE(lowest, worst) << ToString(precision);
    const std::vector<size_t> predicted = Predict(embedder, pictures);
    double equal = 0;
    for (size_t i = 0; i < 400; ++i) equal += predicted[i] == classes[i] ? 1 : 0;
    EXPECT_GE(equal / 400, agreement) << ToString(precision);
  }
}

}  // namespace
}  // namespace siglip
