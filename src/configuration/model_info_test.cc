// Presets, and what inspecting a checkpoint tells.
#include "configuration/model_info.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "base/json.h"
#include "configuration/random_weights.h"
#include "configuration/save_checkpoint.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "source_folders.h"

namespace siglip {
namespace {

ModelInfo Describe(const std::filesystem::path& folder) {
  return DescribeModel(Checkpoint::Open(folder));
}

TEST(Presets, AllAreValidAndDistinct) {
  const std::vector<std::string> names = PresetNames();
  EXPECT_EQ(names.size(), 30U);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const SiglipVisionConfig config = PresetConfig(name);
    EXPECT_NO_THROW(config.Validate());
    EXPECT_EQ(config.hidden_act, "gelu_pytorch_tanh");
    const Json json = ParseJson(PresetPreprocessorJson(name), name);
    EXPECT_EQ(json.at("size").at("height"), config.image_size);
    EXPECT_EQ(json.at("size").at("width"), config.image_size);
    const std::string patch = "patch" + std::to_string(config.patch_size);
    EXPECT_TRUE(name.find("patch") == std::string::npos || name.find(patch) != std::string::npos);
    EXPECT_NE(name.find(std::to_string(config.image_size)), std::string::npos);
    if (name.starts_with("siglip2")) {
      EXPECT_EQ(json.at("resample"), 2);
    }
  }
}

TEST(Presets, SomeInFull) {
  const SiglipVisionConfig base = PresetConfig("base-patch16-224");
  EXPECT_EQ(base.ToJson(), [] {
    SiglipVisionConfig config;
    config.vision_use_head = true;
    return config.ToJson();
  }());
  const SiglipVisionConfig giant = PresetConfig("siglip2-giant-opt-patch16-384");
  EXPECT_EQ(giant.hidden_size, 1536);
  EXPECT_EQ(giant.num_hidden_layers, 40);
  EXPECT_EQ(giant.intermediate_size, 6144);
  const SiglipVisionConfig paligemma = PresetConfig("paligemma-448");
  EXPECT_EQ(paligemma.vision_use_head, false);
  EXPECT_EQ(paligemma.num_image_tokens, 1024);
  EXPECT_EQ(paligemma.num_patches(), 1024);
  EXPECT_EQ(ParseJson(PresetPreprocessorJson("base-patch16-224"), "p").at("resample"), 3);
}

TEST(Presets, UnknownNamesListTheKnown) {
  ExpectError(ErrorCode::kInvalidArgument, {"'base'", "base-patch16-224", "paligemma-896"},
              [] { PresetConfig("base"); });
  ExpectError(ErrorCode::kInvalidArgument, {"''"}, [] { PresetPreprocessorJson(""); });
}

TEST(FlopPerPicture, IsThatOfThePublishedTable) {
  struct Case {
    std::string preset;
    double trunk, with_head;  // GMAC
  };
  for (const Case& expected :
       {Case{"base-patch16-224", 17.47, 17.71}, Case{"base-patch16-384", 55.38, 56.06},
        Case{"base-patch16-512", 106.9, 108.1}, Case{"large-patch16-256", 80.73, 81.28},
        Case{"so400m-patch14-224", 109.5, 110.2}, Case{"so400m-patch14-384", 333.2, 335.2}}) {
    const SiglipVisionConfig config = PresetConfig(expected.preset);
    const double rounding = expected.trunk < 100 ? 0.005 : 0.05;
    EXPECT_NEAR(FlopPerPicture(config, config.num_patches(), false) / 2e9, expected.trunk, rounding)
        << expected.preset;
    EXPECT_NEAR(FlopPerPicture(config, config.num_patches(), true) / 2e9, expected.with_head,
                rounding)
        << expected.preset;
  }
}

TEST(DescribeModel, BaseModelHasThePublishedSizes) {
  const ScratchFolder scratch;
  const SiglipVisionConfig config = PresetConfig("base-patch16-224");
  SaveVisionCheckpoint(*RandomVisionWeights(config, 0), config, scratch.path());
  const ModelInfo info = Describe(scratch.path());
  EXPECT_EQ(info.scheme, "Hugging Face");
  EXPECT_EQ(info.model_type, "siglip_vision_model");
  EXPECT_TRUE(info.has_head);
  EXPECT_EQ(info.vision_parameters, 92'884'224);
  EXPECT_EQ(info.tokens_per_picture, 196);
  EXPECT_NEAR(info.gflop_per_picture, 35.42, 0.01);
  EXPECT_EQ(std::llround(static_cast<double>(info.weight_bytes.f32) / 1e6), 372);
  EXPECT_EQ(std::llround(static_cast<double>(info.weight_bytes.bf16) / 1e6), 186);
  EXPECT_EQ(std::llround(static_cast<double>(info.weight_bytes.int8) / 1e6), 94);
  EXPECT_EQ(info.file_bytes,
            static_cast<int64_t>(std::filesystem::file_size(scratch / "model.safetensors")));
  EXPECT_GT(info.file_bytes, info.weight_bytes.f32);
}

const TensorInfo& Find(const ModelInfo& info, const std::string& name) {
  const auto found = std::find_if(info.tensors.begin(), info.tensors.end(),
                                  [&](const TensorInfo& tensor) { return tensor.name == name; });
  if (found == info.tensors.end()) throw std::runtime_error("no tensor " + name);
  return *found;
}

TEST(DescribeModel, TellsWhatEveryTensorIsUsedAs) {
  const ModelInfo full = Describe(kGolden / "siglip-full");
  EXPECT_EQ(full.model_type, "siglip");
  EXPECT_EQ(Find(full, "logit_scale").used_as, "logit_scale");
  EXPECT_EQ(Find(full, "text_model.head.weight").used_as, "text_model.head.weight");
  EXPECT_EQ(Find(full, "vision_model.head.attention.in_proj_weight").used_as,
            "vision_model.head.attention.in_proj_weight");

  const ModelInfo timm = Describe(kGolden / "names-timm-gelu");
  EXPECT_EQ(timm.scheme, "timm");
  EXPECT_EQ(timm.model_type, "");
  EXPECT_EQ(Find(timm, "pos_embed").used_as, "vision_model.embeddings.position_embedding.weight");
  EXPECT_EQ(Find(timm, "pos_embed").shape, (Shape{1, 9, 48}));
  EXPECT_EQ(Find(timm, "attn_pool.kv.bias").used_as, "vision_model.head.attention.in_proj_bias");
  EXPECT_EQ(Find(timm, "blocks.1.attn.qkv.bias").used_as,
            "vision_model.encoder.layers.1.self_attn.q_proj.bias, "
            "vision_model.encoder.layers.1.self_attn.k_proj.bias, "
            "vision_model.encoder.layers.1.self_attn.v_proj.bias");

  const ModelInfo paligemma = Describe(kGolden / "names-paligemma");
  EXPECT_EQ(Find(paligemma, "multi_modal_projector.linear.bias").used_as,
            "multi_modal_projector.linear.bias");
  EXPECT_EQ(Find(paligemma, "language_model.model.norm.weight").used_as, "");

  const ModelInfo sharded = Describe(kGolden / "names-sharded");
  EXPECT_EQ(Find(sharded, "vision_model.head.probe").file, "model-00001-of-00003.safetensors");
  EXPECT_EQ(Describe(kGolden / "vision-bfloat16").tensors.front().dtype, "BF16");
}

TEST(FindParts, TellsWhatAFolderHoldsTensorsOf) {
  const ModelParts full = FindParts(kGolden / "siglip-full");
  EXPECT_TRUE(full.whole());
  EXPECT_FALSE(full.classifier || full.projector);
  const ModelParts tower = FindParts(kGolden / "vision-head");
  EXPECT_TRUE(tower.image_tower);
  EXPECT_FALSE(tower.text_tower || tower.logits || tower.classifier || tower.projector);
  EXPECT_FALSE(tower.whole());
  EXPECT_TRUE(FindParts(kGolden / "image-classification").classifier);
  EXPECT_FALSE(FindParts(kGolden / "image-classification").text_tower);
  EXPECT_TRUE(FindParts(kGolden / "names-paligemma").projector);
  ExpectError(ErrorCode::kNotFound, {"nowhere"}, [] { FindParts("nowhere"); });
}

}  // namespace
}  // namespace siglip
