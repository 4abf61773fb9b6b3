// Texts of an embedder and zero-shot classification, with the demo model.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "engine/embedder_test_support.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/embedder.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "siglip/zero_shot_classifier.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

const std::vector<std::string> kTexts = {"a red circle", "a blue star on a white background",
                                         "a red circle", ""};

Embedder Load(int threads = 2) {
  EmbedderOptions options;
  options.runtime = Runtime::Create({.threads = threads, .instruction_set = {}});
  return Embedder::Open(kDemo, options);
}

std::vector<float> Row(const Tensor& rows, size_t row) {
  const auto width = static_cast<size_t>(rows.dim(1));
  const auto values = rows.floats().subspan(row * width, width);
  return {values.begin(), values.end()};
}

TEST(EmbedderTexts, EqualTokenizerAndModel) {
  const Embedder embedder = Load();
  const Tensor found = embedder.EmbedTexts(kTexts);
  const Tensor expected = embedder.text_model()(embedder.tokenizer()(kTexts)).pooler_output;
  ASSERT_EQ(found.shape(), (Shape{4, 128}));
  EXPECT_EQ(0, std::memcmp(found.bytes().data(), expected.bytes().data(), found.bytes().size()));
  EXPECT_EQ(Row(found, 0), Row(found, 2));
  EXPECT_NE(Row(found, 0), Row(found, 1));
}

TEST(EmbedderTexts, SameBitsAloneAndWithAnyThreads) {
  const EmbedOptions options = {.normalize = true};
  const Tensor together = Load(1).EmbedTexts(kTexts, options);
  for (int threads : {1, 2, 3}) {
    const Embedder embedder = Load(threads);
    for (size_t i = 0; i < kTexts.size(); ++i) {
      EXPECT_EQ(Row(embedder.EmbedTexts({&kTexts[i], 1}, options), 0), Row(together, i));
    }
  }
}

TEST(EmbedderTexts, AreNormalisedWhereAskedFor) {
  const Tensor rows = Load().EmbedTexts(kTexts, {.normalize = true});
  for (size_t row = 0; row < kTexts.size(); ++row) {
    double squares = 0;
    for (const float value : Row(rows, row)) squares += static_cast<double>(value) * value;
    EXPECT_NEAR(squares, 1, 1e-6);
  }
}

TEST(EmbedderTexts, MayBeAskedForByManyThreadsAtOnce) {
  const Embedder embedder = Load();
  std::vector<std::future<Tensor>> results;
  for (int i = 0; i < 4; ++i) {
    results.push_back(std::async(std::launch::async, [&] { return embedder.EmbedTexts(kTexts); }));
  }
  const std::vector<float> expected = Row(embedder.EmbedTexts(kTexts), 1);
  for (auto& result : results) EXPECT_EQ(Row(result.get(), 1), expected);
}

TEST(EmbedderTexts, ScaleAndBiasAreReadOnce) {
  const ScratchFolder folder;
  std::filesystem::copy(kDemo, folder.path(), std::filesystem::copy_options::recursive);
  const Embedder embedder = Embedder::Open(folder.path());
  const SiglipLogits logits = embedder.logits();
  std::filesystem::remove(folder / "model.safetensors");
  EXPECT_EQ(embedder.logits().logit_scale(), logits.logit_scale());
  EXPECT_EQ(embedder.logits().logit_bias(), logits.logit_bias());
}

TEST(EmbedderTexts, MakeNoSenseOtherwise) {
  ExpectError(ErrorCode::kInvalidArgument, {}, [] { Load().EmbedTexts({}); });
  ExpectError(ErrorCode::kInvalidArgument, {"tokens"},
              [] { Load().EmbedTexts(kTexts, {.output = Output::kTokens}); });
  const Embedder parts = MakeEmbedder();
  ExpectError(ErrorCode::kUnsupported, {"made of parts"}, [&] { parts.EmbedTexts(kTexts); });
  ExpectError(ErrorCode::kUnsupported, {"made of parts"}, [&] { parts.logits(); });
}

TEST(EmbedderTexts, TokenizerMustFitTheTextTower) {
  const ScratchFolder folder;
  std::filesystem::copy(kDemo, folder.path(), std::filesystem::copy_options::recursive);
  std::ifstream stream(kDemo / "config.json");
  std::string config((std::istreambuf_iterator<char>(stream)), {});
  const std::string vocabulary = "\"vocab_size\": 109";
  config.replace(config.find(vocabulary), vocabulary.size(), "\"vocab_size\": 108");
  std::ofstream(folder / "config.json") << config;
  const Embedder embedder = Embedder::Open(folder.path());
  // Weights and configuration differ now, which is noticed first.
  ExpectError(ErrorCode::kMismatch, {"token_embedding", "[109, 128]", "[108, 128]"},
              [&] { embedder.EmbedTexts(kTexts); });
}

TEST(ZeroShotClassifier, ScoresAreSigmoidsOfScaledCosines) {
  const Embedder embedder = Load();
  const std::vector<std::string> labels = {"red circle", "blue star", "green ring"};
  const ZeroShotClassifier classifier(embedder, labels, {"a photo of a {}"});
  EXPECT_EQ(classifier.labels(), labels);
  const std::vector<std::string> texts = {"a photo of a red circle", "a photo of a blue star",
                                          "a photo of a green ring"};
  const Tensor embeds = embedder.EmbedTexts(texts);
  const std::vector<float> picture = Row(embeds, 1);  // any vector will do
  const std::vector<LabelScore> scores = classifier(Tensor({128}, picture));
  ASSERT_EQ(scores.size(), 3U);
  EXPECT_EQ(scores[0].label, 1U);
  for (const LabelScore& score : scores) {
    const std::vector<float> text = Row(embeds, score.label);
    double dot = 0, text_square = 0, picture_square = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      dot += static_cast<double>(text[i]) * picture[i];
      text_square += static_cast<double>(text[i]) * text[i];
      picture_square += static_cast<double>(picture[i]) * picture[i];
    }
    const double logit = dot / std::sqrt(text_square * picture_square) *
                             std::exp(static_cast<double>(embedder.logits().logit_scale())) +
                         embedder.logits().logit_bias();
    EXPECT_NEAR(score.logit, logit, 1e-4);
    EXPECT_NEAR(score.probability, 1 / (1 + std::exp(-logit)), 1e-5);
  }
  EXPECT_GE(scores[0].logit, scores[1].logit);
  EXPECT_GE(scores[1].logit, scores[2].logit);
}

TEST(ZeroShotClassifier, SeveralTemplatesAreAveraged) {
  const Embedder embedder = Load();
  const ZeroShotClassifier classifier(embedder, {"star", "ring"}, {"a {}", "{}: an image of a {}"});
  const std::vector<std::string> texts = {"a ring", "ring: an image of a ring"};
  const Tensor embeds = NormalizeRows(embedder.EmbedTexts(texts));
  std::vector<float> sum = Row(embeds, 0);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += Row(embeds, 1)[i];
  const Tensor mean = NormalizeRows(Tensor({1, 128}, sum));
  for (size_t i = 0; i < sum.size(); ++i) {
    EXPECT_NEAR(classifier.label_embeds().floats()[128 + i], mean.floats()[i], 1e-6);
  }
}

TEST(ZeroShotClassifier, TextsMayBeEmbeddedElsewhere) {
  const Embedder embedder = Load();
  const std::vector<std::string> labels = {"star", "ring"};
  const std::vector<std::string> templates = {"a {}", "{}: an image of a {}"};
  const std::vector<std::string> texts = ZeroShotClassifier::TextsOf(labels, templates);
  EXPECT_EQ(texts, (std::vector<std::string>{"a star", "star: an image of a star", "a ring",
                                             "ring: an image of a ring"}));
  const ZeroShotClassifier whole(embedder, labels, templates);
  const ZeroShotClassifier parts(embedder.logits(), labels, embedder.EmbedTexts(texts));
  EXPECT_TRUE(SameBits(parts.label_embeds(), whole.label_embeds()));
  ExpectError(ErrorCode::kMismatch, {"2 labels", "[3, "}, [&] {
    ZeroShotClassifier(embedder.logits(), labels, embedder.EmbedTexts({"a", "b", "c"}));
  });
}

TEST(ZeroShotClassifier, EqualScoresKeepTheOrderOfTheLabels) {
  const ZeroShotClassifier classifier(Load(), {"star", "star", "star"});
  const std::vector<LabelScore> scores = classifier(Tensor({128}, std::vector<float>(128, 1)));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(scores[i].label, i);
}

TEST(ZeroShotClassifier, RefusesWhatMakesNoSense) {
  const Embedder embedder = Load();
  ExpectError(ErrorCode::kInvalidArgument, {"labels"}, [&] { ZeroShotClassifier(embedder, {}); });
  ExpectError(ErrorCode::kInvalidArgument, {"templates"},
              [&] { ZeroShotClassifier(embedder, {"star"}, {}); });
  ExpectError(ErrorCode::kInvalidArgument, {"'a photo'", "{}"},
              [&] { ZeroShotClassifier(embedder, {"star"}, {"a photo"}); });
  const ZeroShotClassifier classifier(embedder, {"star"});
  for (const Shape& shape : {Shape{127}, Shape{1, 128}, Shape{}}) {
    ExpectError(ErrorCode::kMismatch, {"[128]", ToString(shape)},
                [&] { classifier(Tensor(DType::kF32, shape)); });
  }
}

}  // namespace
}  // namespace siglip
