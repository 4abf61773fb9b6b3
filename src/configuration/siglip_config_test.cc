// Whole checkpoint folders: the golden cases, and one set of weights under every naming scheme.
#include "configuration/siglip_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "configuration/configuration_test_support.h"
#include "configuration/random_weights.h"
#include "configuration/save_checkpoint.h"
#include "configuration/vision_tower_plan.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/safetensors.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

std::shared_ptr<const WeightSource> Load(const std::filesystem::path& folder,
                                         SiglipVisionConfig* config = nullptr) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const SiglipVisionConfig loaded = LoadVisionConfig(checkpoint);
  if (config != nullptr) *config = loaded;
  return OpenWeights(checkpoint, VisionTensors(loaded));
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void ExpectSameWeights(const WeightSource& one, const WeightSource& two,
                       const SiglipVisionConfig& config) {
  for (const TensorSpec& tensor : VisionTensors(config)) {
    EXPECT_EQ(one.Read(tensor), two.Read(tensor)) << tensor.name;
  }
}

TEST(GoldenCheckpoints, AllLoad) {
  struct Case {
    std::string folder;
    NamingScheme scheme;
    bool head;
  };
  const std::vector<Case> cases = {
      {"config-defaults-omitted", NamingScheme::kHuggingFace, true},
      {"image-classification", NamingScheme::kHuggingFace, true},
      {"names-legacy", NamingScheme::kHuggingFace, true},
      {"names-open-clip", NamingScheme::kOpenClip, true},
      {"names-paligemma", NamingScheme::kVisionLanguage, false},
      {"names-sharded", NamingScheme::kHuggingFace, true},
      {"names-timm-gelu", NamingScheme::kTimm, true},
      {"names-timm-gelu_tanh", NamingScheme::kTimm, true},
      {"names-tutorial", NamingScheme::kTutorial, false},
      {"siglip-full", NamingScheme::kHuggingFace, true},
      {"siglip-projection", NamingScheme::kHuggingFace, true},
      {"vision-1024-tokens", NamingScheme::kHuggingFace, true},
      {"vision-bfloat16", NamingScheme::kHuggingFace, true},
      {"vision-five-channels", NamingScheme::kHuggingFace, true},
      {"vision-float16", NamingScheme::kHuggingFace, true},
      {"vision-gelu-erf", NamingScheme::kHuggingFace, true},
      {"vision-head", NamingScheme::kHuggingFace, true},
      {"vision-head-dim-72", NamingScheme::kHuggingFace, true},
      {"vision-interpolated", NamingScheme::kHuggingFace, true},
      {"vision-no-head", NamingScheme::kHuggingFace, false},
      {"vision-odd-sizes", NamingScheme::kHuggingFace, true},
  };
  for (const Case& golden : cases) {
    SCOPED_TRACE(golden.folder);
    EXPECT_EQ(ToString(Checkpoint::Open(kGolden / golden.folder).scheme()),
              ToString(golden.scheme));
    SiglipVisionConfig config;
    const auto weights = Load(kGolden / golden.folder, &config);
    EXPECT_EQ(config.vision_use_head, golden.head);
    for (const TensorSpec& tensor : VisionTensors(config)) {
      EXPECT_TRUE(weights->Contains(tensor.name));
      EXPECT_EQ(weights->Read(tensor).size(), static_cast<size_t>(ElementCount(tensor.shape)));
    }
  }
}

TEST(GoldenCheckpoints, ActivationsAndSizesAreThoseOfTheFile) {
  SiglipVisionConfig config;
  Load(kGolden / "names-timm-gelu", &config);
  EXPECT_EQ(config.hidden_act, "gelu");
  EXPECT_EQ(config.intermediate_size, 120);
  Load(kGolden / "names-timm-gelu_tanh", &config);
  EXPECT_EQ(config.hidden_act, "gelu_pytorch_tanh");
  Load(kGolden / "names-open-clip", &config);
  EXPECT_EQ(config.hidden_act, "gelu_pytorch_tanh");
  EXPECT_EQ(config.num_attention_heads, 4);
  Load(kGolden / "names-paligemma", &config);
  EXPECT_EQ(config.image_size, 56);
  EXPECT_EQ(config.unknown.at("projection_dim"), "48");
  Load(kGolden / "vision-five-channels", &config);
  EXPECT_EQ(config.num_channels, 5);
}

TEST(GoldenCheckpoints, SchemesThatHoldTheSameWeightsGiveThem) {
  SiglipVisionConfig config;
  const auto reference = Load(kGolden / "vision-head", &config);
  for (const char* folder : {"names-legacy", "names-sharded", "config-defaults-omitted"}) {
    SCOPED_TRACE(folder);
    ExpectSameWeights(*reference, *Load(kGolden / folder), config);
  }
  SiglipVisionConfig headless;
  const auto tutorial = Load(kGolden / "names-tutorial", &headless);
  ExpectSameWeights(*reference, *tutorial, headless);
  SiglipVisionConfig timm;
  const auto timm_weights = Load(kGolden / "names-timm-gelu", &timm);
  ExpectSameWeights(*timm_weights, *Load(kGolden / "names-timm-gelu_tanh"), timm);
  ExpectSameWeights(*timm_weights, *Load(kGolden / "names-open-clip"), timm);
}

SiglipVisionConfig TinyConfigWithHead() {
  SiglipVisionConfig config = TinyConfig();
  config.vision_use_head = true;
  return config;
}

/// Copies the tensors of a saved checkpoint to another file under other names and shapes.
void Rename(const std::filesystem::path& from, const std::filesystem::path& to,
            const std::function<std::string(std::string)>& rename) {
  const SafetensorsFile file = SafetensorsFile::Open(from);
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(rename(name), file.Get(name));
  WriteSafetensors(to, tensors);
}

class SchemeTest : public testing::Test {
 protected:
  SchemeTest() : config_(TinyConfigWithHead()), weights_(RandomVisionWeights(config_, 1)) {
    SaveVisionCheckpoint(*weights_, config_, source_.path());
    WriteText(folder_ / "config.json", config_.ToJson());
  }
  void RenameAll(const std::function<std::string(std::string)>& rename) {
    Rename(source_ / "model.safetensors", folder_ / "model.safetensors", rename);
  }
  void RenamePrefix(const std::string& prefix) {
    RenameAll([&](const std::string& name) {
      return prefix + name.substr(std::string("vision_model.").size());
    });
  }
  void ExpectLoads() { ExpectSameWeights(*weights_, *Load(folder_.path()), config_); }

  SiglipVisionConfig config_;
  std::shared_ptr<const WeightSource> weights_;
  ScratchFolder source_;
  ScratchFolder folder_;
};

TEST_F(SchemeTest, EveryPrefix) {
  for (const char* prefix :
       {"", "vision_model.", "vision_tower.", "vision_tower.vision_model.", "model.vision_tower.",
        "model.vision_tower.vision_model.", "base_model.model.vision_tower.vision_model."}) {
    SCOPED_TRACE(prefix);
    RenamePrefix(prefix);
    ExpectLoads();
  }
}

TEST_F(SchemeTest, TutorialWithHead) {
  RenameAll([](std::string name) {
    for (const auto& [from, to] :
         std::map<std::string, std::string>{{"post_layernorm", "post_layer_norm"},
                                            {"position_embedding", "position_embeddings"}}) {
      const size_t at = name.find(from);
      if (at != std::string::npos) name.replace(at, from.size(), to);
    }
    return name;
  });
  ExpectLoads();
  EXPECT_EQ(Checkpoint::Open(folder_.path()).scheme(), NamingScheme::kTutorial);
}

/// The tower as timm stores it: fused q, k, v, and k, v of the pooling head.
void WriteTimm(const WeightSource& weights, const SiglipVisionConfig& config,
               const std::filesystem::path& path, const std::string& prefix) {
  std::vector<std::pair<std::string, Tensor>> stored;
  const int64_t size = config.hidden_size;
  const auto read = [&](const std::string& name, const Shape& shape) {
    return weights.Read({"vision_model." + name, shape});
  };
  const auto add = [&](const std::string& name, Shape shape, const std::string& canonical) {
    const Shape source = name == "pos_embed" ? Shape{shape[1], shape[2]} : shape;
    stored.emplace_back(prefix + name, Tensor(shape, read(canonical, source)));
  };
  const auto add_linear = [&](const std::string& name, int64_t outputs, int64_t inputs,
                              const std::string& canonical) {
    add(name + ".weight", {outputs, inputs}, canonical + ".weight");
    add(name + ".bias", {outputs}, canonical + ".bias");
  };
  const auto add_norm = [&](const std::string& name, const std::string& canonical) {
    add(name + ".weight", {size}, canonical + ".weight");
    add(name + ".bias", {size}, canonical + ".bias");
  };
  const auto add_fused = [&](const std::string& name, const std::vector<std::string>& parts) {
    const auto count = static_cast<int64_t>(parts.size());
    std::vector<float> weight, bias;
    for (const std::string& part : parts) {
      for (float value : read(part + ".weight", {size, size})) weight.push_back(value);
      for (float value : read(part + ".bias", {size})) bias.push_back(value);
    }
    stored.emplace_back(prefix + name + ".weight", Tensor({count * size, size}, weight));
    stored.emplace_back(prefix + name + ".bias", Tensor({count * size}, bias));
  };
  add("patch_embed.proj.weight", {size, 3, config.patch_size, config.patch_size},
      "embeddings.patch_embedding.weight");
  add("patch_embed.proj.bias", {size}, "embeddings.patch_embedding.bias");
  add("pos_embed", {1, config.num_patches(), size}, "embeddings.position_embedding.weight");
  const int64_t inner = config.intermediate_size;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    const std::string layer = "encoder.layers." + std::to_string(i) + ".";
    add_norm(block + "norm1", layer + "layer_norm1");
    add_fused(block + "attn.qkv",
              {layer + "self_attn.q_proj", layer + "self_attn.k_proj", layer + "self_attn.v_proj"});
    add_linear(block + "attn.proj", size, size, layer + "self_attn.out_proj");
    add_norm(block + "norm2", layer + "layer_norm2");
    add_linear(block + "mlp.fc1", inner, size, layer + "mlp.fc1");
    add_linear(block + "mlp.fc2", size, inner, layer + "mlp.fc2");
  }
  add_norm("norm", "post_layernorm");
  add("attn_pool.latent", {1, 1, size}, "head.probe");
  add_linear("attn_pool.q", size, size, "head.attention.q_proj");
  add_fused("attn_pool.kv", {"head.attention.k_proj", "head.attention.v_proj"});
  add_linear("attn_pool.proj", size, size, "head.attention.out_proj");
  add_norm("attn_pool.norm", "head.layernorm");
  add_linear("attn_pool.mlp.fc1", inner, size, "head.mlp.fc1");
  add_linear("attn_pool.mlp.fc2", size, inner, "head.mlp.fc2");

  NamedTensors named;
  for (const auto& [name, tensor] : stored) named.emplace_back(name, tensor);
  WriteSafetensors(path, named);
}

const char kTimmArguments[] =
    R"({"embed_dim":8,"depth":2,"num_heads":2,"patch_size":4,"img_size":12,"mlp_ratio":1.5,)"
    R"("act_layer":"gelu_tanh"})";

TEST_F(SchemeTest, Timm) {
  WriteTimm(*weights_, config_, folder_ / "model.safetensors", "");
  WriteText(folder_ / "config.json",
            std::string(R"({"architecture":"vit_x","model_args":)") + kTimmArguments + "}");
  ExpectLoads();
}

TEST_F(SchemeTest, TimmSizesMustFitTheTensors) {
  WriteTimm(*weights_, config_, folder_ / "model.safetensors", "");
  WriteText(folder_ / "config.json", R"({"architecture":"vit_base_patch16_siglip_224"})");
  ExpectError(ErrorCode::kMismatch, {"config.json", "patch_embed.proj.weight", "[8, 3, 4, 4]"},
              [&] { Load(folder_.path()); });
}

TEST_F(SchemeTest, TimmWithoutAttentionPooling) {
  WriteTimm(*weights_, config_, folder_ / "model.safetensors", "");
  WriteText(folder_ / "config.json",
            std::string(R"({"architecture":"vit_x","global_pool":"avg",)") + R"("model_args":)" +
                kTimmArguments + "}");
  SiglipVisionConfig config;
  const auto weights = Load(folder_.path(), &config);
  EXPECT_EQ(config.vision_use_head, false);
  EXPECT_FALSE(weights->Contains("vision_model.head.probe"));
}

TEST_F(SchemeTest, OpenClip) {
  std::filesystem::remove(folder_ / "config.json");
  WriteTimm(*weights_, config_, folder_ / "open_clip_model.safetensors", "visual.trunk.");
  Json vision = ParseJson(kTimmArguments, "arguments");
  vision["timm_model_name"] = "vit_x";
  vision["timm_pool"] = "map";
  WriteText(folder_ / "open_clip_config.json",
            Json{{"model_cfg", {{"vision_cfg", vision}}}}.dump());
  ExpectLoads();
}

TEST_F(SchemeTest, HeadIsDecidedByTheFileWhereTheConfigurationIsSilent) {
  RenamePrefix("vision_model.");
  SiglipVisionConfig silent = config_;
  silent.vision_use_head.reset();
  WriteText(folder_ / "config.json", silent.ToJson());
  SiglipVisionConfig loaded;
  Load(folder_.path(), &loaded);
  EXPECT_EQ(loaded.vision_use_head, true);

  SiglipVisionConfig headless = config_;
  headless.vision_use_head = false;
  SaveVisionCheckpoint(*weights_, headless, folder_.path());
  WriteText(folder_ / "config.json", silent.ToJson());
  Load(folder_.path(), &loaded);
  EXPECT_EQ(loaded.vision_use_head, false);
}

TEST_F(SchemeTest, HeadAskedForButNotThere) {
  SiglipVisionConfig headless = config_;
  headless.vision_use_head = false;
  SaveVisionCheckpoint(*weights_, headless, folder_.path());
  WriteText(folder_ / "config.json", config_.ToJson());
  ExpectError(ErrorCode::kMismatch, {"config.json", "'vision_use_head'", "head.probe"},
              [&] { Load(folder_.path()); });
}

TEST_F(SchemeTest, HeadThatIsNotWantedIsIgnored) {
  RenamePrefix("vision_model.");
  SiglipVisionConfig headless = config_;
  headless.vision_use_head = false;
  WriteText(folder_ / "config.json", headless.ToJson());
  SiglipVisionConfig loaded;
  const auto weights = Load(folder_.path(), &loaded);
  EXPECT_EQ(loaded.vision_use_head, false);
  EXPECT_FALSE(weights->Contains("vision_model.head.probe"));
}

TEST_F(SchemeTest, ConfigurationsThatDoNotFit) {
  RenamePrefix("vision_model.");
  const auto expect = [&](const std::function<void(SiglipVisionConfig&)>& change,
                          const std::vector<std::string>& parts) {
    SiglipVisionConfig config = config_;
    change(config);
    WriteText(folder_ / "config.json", config.ToJson());
    ExpectError(ErrorCode::kMismatch, parts, [&] { Load(folder_.path()); });
  };
  expect([](auto& config) { config.num_hidden_layers = 3; },
         {"missing", "vision_model.encoder.layers.2.layer_norm1.weight", "and 6 more"});
  expect([](auto& config) { config.num_hidden_layers = 1; },
         {"unexpected", "vision_model.encoder.layers.1.", "and 6 more"});
  expect([](auto& config) { config.hidden_size = 16; }, {"[8, 3, 4, 4]", "[16, 3, 4, 4]", "more"});
  expect([](auto& config) { config.num_channels = 1; }, {"[8, 3, 4, 4]", "[8, 1, 4, 4]"});
  expect([](auto& config) { config.image_size = 16; }, {"position_embedding", "[9, 8]", "[16, 8]"});
  expect([](auto& config) { config.patch_size = 3; }, {"[8, 3, 4, 4]", "[8, 3, 3, 3]"});
  expect([](auto& config) { config.intermediate_size = 13; }, {"fc1.weight", "[12, 8]", "[13, 8]"});
}

TEST_F(SchemeTest, ConfigurationsThatAreNone) {
  RenamePrefix("");
  WriteText(folder_ / "config.json", "{}");
  ExpectError(ErrorCode::kUnsupported, {"config.json", "model_type"},
              [&] { Load(folder_.path()); });
  WriteText(folder_ / "config.json", R"({"model_type":"bert","hidden_size":8})");
  ExpectError(ErrorCode::kUnsupported, {"config.json", "'bert'"}, [&] { Load(folder_.path()); });
}

TEST_F(SchemeTest, WithoutModelTypeTheFieldsDecide) {
  RenamePrefix("vision_model.");
  Json json = ParseJson(config_.ToJson(), "config");
  json.erase("model_type");
  json.erase("architectures");
  WriteText(folder_ / "config.json", json.dump());
  ExpectLoads();
}

}  // namespace
}  // namespace siglip
