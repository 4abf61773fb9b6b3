// Comparing embeddings, classification and projection: formulas, and what is refused.
#include "siglip/transformers/siglip_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "expect_error.h"
#include "model/inspect_model.h"
#include "model/layer_test_support.h"
#include "scratch_folder.h"
#include "siglip/checkpoint.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/image_classification.hpp"
#include "siglip/transformers/projector.hpp"
#include "source_folders.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

std::vector<float> Values(const Tensor& tensor) {
  return {tensor.floats().begin(), tensor.floats().end()};
}

TEST(NormalizeRows, DividesByTheNormWithoutEpsilon) {
  EXPECT_EQ(Values(NormalizeRows(Tensor({2, 2}, {3, 4, 0, -2}))),
            (std::vector<float>{0.6F, 0.8F, 0, -1}));
  // Squares that float cannot hold.
  const Tensor large = NormalizeRows(Tensor({1, 2}, {3e30F, 4e30F}));
  EXPECT_NEAR(large.floats()[0], 0.6, 1e-6);
  EXPECT_NEAR(large.floats()[1], 0.8, 1e-6);
  EXPECT_TRUE(std::isnan(NormalizeRows(Tensor({1, 2}, {0, 0})).floats()[0]));
  EXPECT_EQ(NormalizeRows(Tensor(DType::kF32, {0, 5})).shape(), (Shape{0, 5}));
}

TEST(Sigmoid, HasNoOverflow) {
  const Tensor p = Sigmoid(Tensor({5}, {0, 1, -1, 1000, -1000}));
  EXPECT_EQ(p.floats()[0], 0.5F);
  EXPECT_NEAR(p.floats()[1], 1 / (1 + std::exp(-1.0)), 1e-7);
  EXPECT_NEAR(p.floats()[2], 1 / (1 + std::exp(1.0)), 1e-7);
  EXPECT_EQ(p.floats()[3], 1.0F);
  EXPECT_EQ(p.floats()[4], 0.0F);
}

TEST(SiglipLoss, IsTheFormulaOfThePaper) {
  const std::vector<float> logits = {2, -1, 0.5F, -3};
  double expected = 0;
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 2; ++j) {
      const double z = (i == j ? 1.0 : -1.0) * logits[i * 2 + j];
      expected += std::log(1 + std::exp(-z)) / 2;
    }
  }
  EXPECT_NEAR(SiglipLoss(Tensor({2, 2}, logits)), expected, 1e-6);
  // Far from right, where exp overflows: the loss grows as the logit does.
  EXPECT_EQ(SiglipLoss(Tensor({1, 1}, {-2000})), 2000.0F);
  for (const Shape& shape : {Shape{2, 3}, Shape{4}, Shape{0, 0}}) {
    ExpectError(ErrorCode::kMismatch, {ToString(shape)},
                [&] { SiglipLoss(Tensor(DType::kF32, shape)); });
  }
}

TEST(SiglipLogits, ScaleIsALogarithm) {
  const SiglipLogits logits(std::log(10.0F), -2);
  EXPECT_NEAR(logits(0.5), 3, 1e-5);
  const Tensor all = logits(Tensor({1, 2}, {0.6F, 0.8F}), Tensor({2, 2}, {1, 0, 0, 1}));
  EXPECT_EQ(all.shape(), (Shape{1, 2}));
  EXPECT_NEAR(all.floats()[0], 4, 1e-5);
  EXPECT_NEAR(all.floats()[1], 6, 1e-5);
  ExpectError(ErrorCode::kMismatch, {"[1, 2]", "[1, 3]"}, [&] {
    logits(Tensor(DType::kF32, {1, 2}), Tensor(DType::kF32, {1, 3}));
  });
}

TEST(SiglipModel, WeightBytesAreThoseOfTheTensors) {
  const SafetensorsFile file = SafetensorsFile::Open(kGolden / "siglip-full/model.safetensors");
  int64_t vision = 0;
  int64_t text = 0;
  for (const SafetensorsEntry& entry : file.entries()) {
    const auto bytes = static_cast<int64_t>(entry.end - entry.begin);
    if (entry.name.starts_with("vision_model.")) vision += bytes;
    const bool stays_in_the_file = entry.name.ends_with("token_embedding.weight");
    if (entry.name.starts_with("text_model.") && !stays_in_the_file) text += bytes;
  }
  const SiglipModel model = SiglipModel::FromPretrained(kGolden / "siglip-full");
  EXPECT_EQ(model.vision_model().weight_bytes(), vision);
  EXPECT_EQ(model.text_model().weight_bytes(), text);
}

/// A copy of a golden checkpoint with other tensors or another configuration.
class ChangedCheckpoint {
 public:
  explicit ChangedCheckpoint(const std::string& name)
      : config(ParseJsonFile(kGolden / name / "config.json")) {
    const SafetensorsFile file = SafetensorsFile::Open(kGolden / name / "model.safetensors");
    for (const std::string& tensor : file.names()) {
      tensors.emplace(tensor, file.Get(tensor));
    }
  }
  const std::filesystem::path& Write() const {
    NamedTensors views;
    for (const auto& [name, tensor] : tensors) views.emplace_back(name, tensor.view());
    WriteSafetensors(folder_ / "model.safetensors", views);
    std::ofstream(folder_ / "config.json") << config.dump();
    return folder_.path();
  }

  Json config;
  std::map<std::string, Tensor> tensors;

 private:
  ScratchFolder folder_;
};

TEST(SiglipModel, TowersMustEmbedIntoTheSameSpace) {
  ChangedCheckpoint changed("siglip-full");
  changed.config["text_config"]["projection_size"] = 40;
  changed.tensors["text_model.head.weight"] = Tensor(DType::kF32, {40, 48});
  changed.tensors["text_model.head.bias"] = Tensor(DType::kF32, {40});
  ExpectError(ErrorCode::kMismatch, {"48", "40", "projection_size"},
              [&] { SiglipModel::FromPretrained(changed.Write()); });
}

TEST(SiglipModel, NeedsAPoolingHeadAndALogitScale) {
  ChangedCheckpoint headless("siglip-full");
  headless.config["vision_config"]["vision_use_head"] = false;
  ExpectError(ErrorCode::kUnsupported, {"no pooling head"},
              [&] { SiglipModel::FromPretrained(headless.Write()); });
  ChangedCheckpoint unscaled("siglip-full");
  unscaled.tensors.erase("logit_scale");
  ExpectError(ErrorCode::kMismatch, {"logit_scale"},
              [&] { SiglipModel::FromPretrained(unscaled.Write()); });
  ExpectError(ErrorCode::kMismatch, {"logit scale"},
              [&] { SiglipModel::FromPretrained(kGolden / "vision-head"); });
}

TEST(SiglipModel, ComparesWithFiniteScaleAndBiasOnly) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct Case {
    const char* tensor;
    float value;
    const char* said;
  };
  for (const Case& bad :
       {Case{"logit_scale", kNan, "nan"}, Case{"logit_scale", kInfinity, "inf"},
        Case{"logit_scale", -kInfinity, "-inf"}, Case{"logit_scale", 1e30F, "1e+30"},
        Case{"logit_scale", 88.8F, "88.8"},  // e^88.73 is past the largest float
        Case{"logit_bias", kNan, "nan"}, Case{"logit_bias", -kInfinity, "-inf"}}) {
    ChangedCheckpoint changed("siglip-full");
    changed.tensors[bad.tensor] = Tensor({1}, {bad.value});
    const std::filesystem::path folder = changed.Write();
    ExpectError(ErrorCode::kMalformedFile, {bad.tensor, bad.said, "cannot be compared"},
                [&] { SiglipLogits::FromPretrained(folder); });
    ExpectError(ErrorCode::kMalformedFile, {bad.tensor},
                [&] { SiglipModel::FromPretrained(folder); });
    SiglipVisionModel::FromPretrained(folder);  // alone it needs neither
    const std::vector<std::string> unusable = InspectModel(Checkpoint::Open(folder)).unusable;
    ASSERT_EQ(unusable.size(), 1U);
    EXPECT_NE(unusable[0].find(bad.said), std::string::npos) << unusable[0];
  }
  ChangedCheckpoint largest("siglip-full");
  largest.tensors["logit_scale"] = Tensor({1}, {88.5F});
  EXPECT_FLOAT_EQ(SiglipLogits::FromPretrained(largest.Write()).logit_scale(), 88.5F);
}

TEST(InspectModel, FailsAsLoadingDoes) {
  ExpectError(ErrorCode::kNotFound, {"nowhere"}, [] { InspectModel(Checkpoint::Open("nowhere")); });
}

TEST(ImageClassification, LabelsMustFitTheClassifier) {
  ChangedCheckpoint changed("image-classification");
  changed.config.erase("id2label");
  EXPECT_EQ(SiglipForImageClassification::FromPretrained(changed.Write()).labels().at(4),
            "LABEL_4");
  changed.config["id2label"] = {{"0", "a"}, {"1", "b"}};
  ExpectError(ErrorCode::kMismatch, {"'id2label'", "5", "found 2"},
              [&] { SiglipForImageClassification::FromPretrained(changed.Write()); });
  changed.config["id2label"] = {{"0", "a"}, {"1", "b"}, {"2", "c"}, {"3", "d"}, {"5", "f"}};
  ExpectError(ErrorCode::kMismatch, {"'id2label'", "no label for 4"},
              [&] { SiglipForImageClassification::FromPretrained(changed.Write()); });
  changed.config["id2label"] = {{"0", "a"}, {"1", "b"}, {"2", "c"}, {"3", "d"}, {"4", 4}};
  ExpectError(ErrorCode::kMalformedFile, {"id2label.4"},
              [&] { SiglipForImageClassification::FromPretrained(changed.Write()); });
  changed.config["id2label"] = Json::array();
  ExpectError(ErrorCode::kMalformedFile, {"'id2label'"},
              [&] { SiglipForImageClassification::FromPretrained(changed.Write()); });
}

TEST(ImageClassification, NeedsAClassifier) {
  ExpectError(ErrorCode::kMismatch, {"classifier.weight"},
              [] { SiglipForImageClassification::FromPretrained(kGolden / "vision-head"); });
  ChangedCheckpoint changed("image-classification");
  changed.tensors["classifier.weight"] = Tensor(DType::kF32, {5, 47});
  ExpectError(ErrorCode::kMismatch, {"classifier.weight", "[5, 47]"},
              [&] { SiglipForImageClassification::FromPretrained(changed.Write()); });
  changed.tensors["classifier.weight"] = Tensor(DType::kF32, {0, 48});
  ExpectError(ErrorCode::kMismatch, {"classifier.weight", "[0, 48]"},
              [&] { SiglipForImageClassification::FromPretrained(changed.Write()); });
}

class ProjectorTest : public testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<const MultiModalProjector> Load(const ChangedCheckpoint& checkpoint) {
    return MultiModalProjector::FromPretrained(
        checkpoint.Write(), Runtime::Create({.threads = 2, .instruction_set = GetParam()}));
  }
};

/// PaliGemma's folder made one of Gemma 3: 5 x 5 patches, squares of 2 x 2 of them averaged.
class Gemma3Checkpoint : public ChangedCheckpoint {
 public:
  Gemma3Checkpoint() : ChangedCheckpoint("names-paligemma") {
    config["model_type"] = "gemma3";
    config["mm_tokens_per_image"] = 4;
    config["vision_config"]["image_size"] = 70;
    config["vision_config"]["layer_norm_eps"] = 1e-2;  // so that it shows
    tensors["vision_tower.embeddings.position_embedding.weight"] = Tensor(DType::kF32, {25, 48});
    tensors.erase("multi_modal_projector.linear.weight");
    tensors.erase("multi_modal_projector.linear.bias");
    tensors["multi_modal_projector.mm_input_projection_weight"] = RandomTensor({48, 21}, 5);
    tensors["multi_modal_projector.mm_soft_emb_norm.weight"] = RandomTensor({48}, 6);
  }
};

TEST_P(ProjectorTest, Gemma3AveragesNormalisesAndMultiplies) {
  const Gemma3Checkpoint checkpoint;
  const Tensor tokens = RandomTensor({3, 25, 48}, 7);
  const Tensor found = (*Load(checkpoint))(tokens);
  ASSERT_EQ(found.shape(), (Shape{3, 4, 21}));
  const auto weight =
      checkpoint.tensors.at("multi_modal_projector.mm_input_projection_weight").floats();
  const auto& gain =
      checkpoint.tensors.at("multi_modal_projector.mm_soft_emb_norm.weight").floats();
  for (size_t picture = 0; picture < 3; ++picture) {
    for (size_t token = 0; token < 4; ++token) {
      std::vector<double> pooled(48);
      double squares = 0;
      for (size_t d = 0; d < 48; ++d) {
        for (size_t patch : {size_t{0}, size_t{1}, size_t{5}, size_t{6}}) {
          const size_t row = token / 2 * 10 + token % 2 * 2 + patch;
          pooled[d] += tokens.floats()[(picture * 25 + row) * 48 + d] / 4.0;
        }
        squares += pooled[d] * pooled[d];
      }
      for (size_t j = 0; j < 21; ++j) {
        double sum = 0;
        for (size_t d = 0; d < 48; ++d) {
          sum += pooled[d] / std::sqrt(squares / 48 + 1e-2) * (1.0 + gain[d]) * weight[d * 21 + j];
        }
        EXPECT_NEAR(found.floats()[(picture * 4 + token) * 21 + j], sum, 2e-5);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, ProjectorTest,
                         testing::ValuesIn(AvailableInstructionSets()),
                         [](const auto& info) { return info.param; });

TEST(MultiModalProjector, RefusesWhatDoesNotFit) {
  Gemma3Checkpoint checkpoint;
  const auto load = [&] { return MultiModalProjector::FromPretrained(checkpoint.Write()); };
  for (const Shape& shape : {Shape{1, 24, 48}, Shape{1, 25, 47}, Shape{25, 48}}) {
    ExpectError(ErrorCode::kMismatch, {ToString(shape)},
                [&] { (*load())(Tensor(DType::kF32, shape)); });
  }
  for (const Json& tokens : {Json(0), Json(26), Json(-4)}) {
    checkpoint.config["mm_tokens_per_image"] = tokens;
    ExpectError(ErrorCode::kInvalidArgument, {"'mm_tokens_per_image'", tokens.dump()}, load);
  }
  checkpoint.config["mm_tokens_per_image"] = "all";
  ExpectError(ErrorCode::kMalformedFile, {"'mm_tokens_per_image'"}, load);
  checkpoint.config["mm_tokens_per_image"] = 4;
  checkpoint.tensors["multi_modal_projector.mm_input_projection_weight"] =
      Tensor(DType::kF32, {48});
  ExpectError(ErrorCode::kMismatch, {"mm_input_projection_weight", "[48]"}, load);
  ExpectError(ErrorCode::kMismatch, {"multi_modal_projector"},
              [] { MultiModalProjector::FromPretrained(kGolden / "vision-head"); });
}

}  // namespace
}  // namespace siglip
