// The demo model and what transformers computed with it for 400 held-out pictures
// (tests/golden/demo-model-eval/README.md), for tests that use the public headers only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "golden_values.h"
#include "siglip/embedder.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/zero_shot_classifier.hpp"
#include "source_folders.h"

namespace siglip {

inline const std::filesystem::path kDemoEval = kGolden / "demo-model-eval";
inline const std::filesystem::path kDemoExpected = kDemoEval / "expected.safetensors";

/// The strings between quotes that follow `key` and a colon, or all of them without a key. Enough
/// for the two files of this folder, whose strings hold neither quotes nor backslashes.
inline std::vector<std::string> ReadDemoStrings(const std::string& file,
                                                const std::string& key = "") {
  std::ifstream stream(kDemoEval / file);
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

inline EmbedderOptions DemoOptions(Precision precision) {
  EmbedderOptions options;
  options.precision = precision;
  options.preprocess = PreprocessMode::kPillow13;  // what computed the expected values
  return options;
}

inline Tensor EmbedDemoPictures(const Embedder& embedder) {
  std::vector<Picture> pictures;
  for (const std::string& name : ReadDemoStrings("labels.json", "file")) {
    pictures.push_back(Picture::File((kDemoEval / name).string()));
  }
  return embedder.Embed(pictures);
}

inline std::vector<size_t> PredictDemoClasses(const Embedder& embedder, const Tensor& embeds) {
  const ZeroShotClassifier classifier(embedder, ReadDemoStrings("prompts.json"), {"{}"});
  std::vector<size_t> predicted;
  for (size_t i = 0; i < static_cast<size_t>(embeds.dim(0)); ++i) {
    const auto row = embeds.floats().subspan(i * 128, 128);
    predicted.push_back(classifier(Tensor({128}, {row.begin(), row.end()})).front().label);
  }
  return predicted;
}

inline std::vector<size_t> ExpectedDemoClasses() {
  const SafetensorsFile file = SafetensorsFile::Open(kDemoExpected);
  const Tensor predicted(file.Get("predicted"));  // a copy: a file may hold them unaligned
  const auto values = predicted.values<int64_t>();
  return {values.begin(), values.end()};
}

/// The accuracy promised for a precision that is not exact.
struct DemoGates {
  Precision precision;
  double mean;  // of the cosines
  double worst;
  double agreement;  // of the classes
};
inline constexpr DemoGates kDemoGates[] = {{Precision::kBFloat16, 0.9999, 0.9995, 0.995},
                                           {Precision::kInt8, 0.9995, 0.998, 0.985}};

inline void ExpectDemoGates(const Embedder& embedder, const DemoGates& gates) {
  const Tensor pictures = EmbedDemoPictures(embedder);
  const Tensor found = NormalizeRows(pictures);
  const Tensor exact =
      NormalizeRows(ReadFloats(SafetensorsFile::Open(kDemoExpected), "image_embeds"));
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
  EXPECT_GE(sum / 400, gates.mean) << ToString(gates.precision);
  EXPECT_GE(lowest, gates.worst) << ToString(gates.precision);
  const std::vector<size_t> classes = ExpectedDemoClasses();
  const std::vector<size_t> predicted = PredictDemoClasses(embedder, pictures);
  double equal = 0;
  for (size_t i = 0; i < 400; ++i) equal += predicted[i] == classes[i] ? 1 : 0;
  EXPECT_GE(equal / 400, gates.agreement) << ToString(gates.precision);
}

}  // namespace siglip
