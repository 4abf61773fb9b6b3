// Configurations of timm and open_clip: explicit values, and what follows from names.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "configuration/siglip_config.h"
#include "expect_error.h"
#include "weights/transformers_config.h"

namespace siglip {
namespace {

SiglipVisionConfig ParseTimm(const std::string& json) {
  const std::string name = "config.json";
  return ParseVisionConfig(TransformersConfig(ParseJson(json, name), Part::kVision, name), name);
}

SiglipVisionConfig ParseName(const std::string& architecture) {
  return ParseTimm(R"({"architecture":")" + architecture + "\"}");
}

TEST(TimmConfig, EverythingFollowsFromTheName) {
  struct Case {
    std::string name;
    int64_t hidden, layers, heads, inner, patch, image;
    std::string activation;
  };
  const std::vector<Case> cases = {
      {"vit_base_patch16_siglip_224", 768, 12, 12, 3072, 16, 224, "gelu"},
      {"vit_base_patch16_siglip_512.v2_webli", 768, 12, 12, 3072, 16, 512, "gelu"},
      {"vit_base_patch32_siglip_256.v2_webli", 768, 12, 12, 3072, 32, 256, "gelu_pytorch_tanh"},
      {"vit_large_patch16_siglip_384.webli", 1024, 24, 16, 4096, 16, 384, "gelu"},
      {"vit_large_patch16_siglip_512", 1024, 24, 16, 4096, 16, 512, "gelu_pytorch_tanh"},
      {"vit_so400m_patch14_siglip_378.webli_ft_in1k", 1152, 27, 16, 4304, 14, 378, "gelu"},
      {"vit_so400m_patch14_siglip_384", 1152, 27, 16, 4304, 14, 384, "gelu"},
      {"vit_so400m_patch16_siglip_256.webli_i18n", 1152, 27, 16, 4304, 16, 256,
       "gelu_pytorch_tanh"},
      {"vit_giantopt_patch16_siglip_256", 1536, 40, 16, 6144, 16, 256, "gelu_pytorch_tanh"},
      {"vit_so400m_patch14_siglip_gap_896.pali_pt", 1152, 27, 16, 4304, 14, 896, "gelu"},
      {"vit_large_patch16_siglip_gap_512.v2_webli", 1024, 24, 16, 4096, 16, 512,
       "gelu_pytorch_tanh"},
  };
  for (const Case& expected : cases) {
    SCOPED_TRACE(expected.name);
    for (const SiglipVisionConfig& config :
         {ParseName(expected.name),
          ParseTimm(R"({"model_cfg":{"embed_dim":7,"vision_cfg":{"timm_model_name":")" +
                    expected.name + "\"}}}")}) {
      EXPECT_EQ(config.hidden_size, expected.hidden);
      EXPECT_EQ(config.num_hidden_layers, expected.layers);
      EXPECT_EQ(config.num_attention_heads, expected.heads);
      EXPECT_EQ(config.intermediate_size, expected.inner);
      EXPECT_EQ(config.patch_size, expected.patch);
      EXPECT_EQ(config.image_size, expected.image);
      EXPECT_EQ(config.hidden_act, expected.activation);
      EXPECT_EQ(config.num_channels, 3);
      EXPECT_EQ(config.layer_norm_eps, 1e-6);
      const bool gap = expected.name.find("_gap_") != std::string::npos;
      EXPECT_EQ(config.vision_use_head, gap ? std::optional<bool>(false) : std::nullopt);
    }
  }
}

TEST(TimmConfig, ModelArgumentsWin) {
  const SiglipVisionConfig config = ParseTimm(
      R"({"architecture":"vit_base_patch16_siglip_224","global_pool":"map",
          "model_args":{"embed_dim":64,"depth":2,"num_heads":4,"patch_size":[8,8],
                        "img_size":[32,32],"mlp_ratio":2.7,"act_layer":"gelu_tanh","in_chans":4},
          "pretrained_cfg":{"input_size":[3,224,224]}})");
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.num_hidden_layers, 2);
  EXPECT_EQ(config.num_attention_heads, 4);
  EXPECT_EQ(config.patch_size, 8);
  EXPECT_EQ(config.image_size, 32);
  EXPECT_EQ(config.intermediate_size, 172);  // truncated from 172.8
  EXPECT_EQ(config.hidden_act, "gelu_pytorch_tanh");
  EXPECT_EQ(config.num_channels, 4);
  EXPECT_EQ(config.vision_use_head, true);
}

TEST(TimmConfig, PretrainedConfigGivesTheSize) {
  const SiglipVisionConfig config = ParseTimm(
      R"({"architecture":"vit_base_patch16_siglip_224","global_pool":"avg","model_args":null,
                "pretrained_cfg":{"input_size":[5,256,256]}})");
  EXPECT_EQ(config.image_size, 256);
  EXPECT_EQ(config.num_channels, 5);
  EXPECT_EQ(config.vision_use_head, false);
}

TEST(TimmConfig, OpenClipFieldsWin) {
  const SiglipVisionConfig config = ParseTimm(
      R"({"model_cfg":{"vision_cfg":{"timm_model_name":"vit_base_patch16_siglip_224","width":64,
          "layers":2,"heads":4,"patch_size":8,"image_size":[32,32],"mlp_ratio":3,
          "act_layer":"quick_gelu","timm_pool":"map","timm_proj":"none"}}})");
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.num_hidden_layers, 2);
  EXPECT_EQ(config.num_attention_heads, 4);
  EXPECT_EQ(config.patch_size, 8);
  EXPECT_EQ(config.image_size, 32);
  EXPECT_EQ(config.intermediate_size, 192);
  EXPECT_EQ(config.hidden_act, "quick_gelu");
  EXPECT_EQ(config.vision_use_head, true);
}

TEST(TimmConfig, IsNoNaFlexTower) {
  const std::string name = "config.json";
  const Json json = {{"architecture", "vit_base_patch16_siglip_224"}};
  ExpectError(ErrorCode::kUnsupported, {name, "variable resolution"},
              [&] { ParseSiglip2Config(TransformersConfig(json, Part::kVision, name), name); });
}

TEST(TimmConfig, UnknownNames) {
  for (const char* name :
       {"vit_test_siglip", "vit_base_patch16_224", "vit_huge_patch16_siglip_224", "",
        "vit_base_patch_siglip_224", "vit_base_patch16_siglip", "vit_base_patch16_siglip_gap",
        "vit_base_patch16_siglip_224_extra", "naflexvit_base_patch16_siglip", "resnet50",
        "vit_base_patch99999_siglip_224", "vit_base_patch16_siglip_-24", "____", "."}) {
    ExpectError(ErrorCode::kUnsupported, {"config.json", "unknown architecture", name, "embed_dim"},
                [&] { ParseName(name); });
  }
}

TEST(TimmConfig, AnUnknownNameNeedsEveryArgument) {
  const Json complete = {{"embed_dim", 64},    {"depth", 2},     {"num_heads", 4},
                         {"patch_size", 8},    {"img_size", 32}, {"mlp_ratio", 4},
                         {"act_layer", "gelu"}};
  const auto parse = [](const Json& arguments) {
    const Json json = {{"architecture", "vit_test"}, {"model_args", arguments}};
    return ParseTimm(json.dump());
  };
  EXPECT_EQ(parse(complete).hidden_size, 64);
  for (const auto& [key, value] : complete.items()) {
    Json arguments = complete;
    arguments.erase(key);
    ExpectError(ErrorCode::kUnsupported, {"config.json", "vit_test", "'" + key + "'"},
                [&] { parse(arguments); });
  }
}

TEST(TimmConfig, BadValues) {
  struct Case {
    std::string arguments;
    ErrorCode code;
    std::vector<std::string> parts;
  };
  const std::vector<Case> cases = {
      {R"("embed_dim":"wide")", ErrorCode::kMalformedFile, {"'model_args.embed_dim'"}},
      {R"("embed_dim":0)", ErrorCode::kInvalidArgument, {"'mlp_ratio'"}},
      {R"("embed_dim":770)", ErrorCode::kInvalidArgument, {"'num_attention_heads'"}},
      {R"("depth":1.5)", ErrorCode::kMalformedFile, {"'model_args.depth'"}},
      {R"("depth":0)", ErrorCode::kInvalidArgument, {"'num_hidden_layers'"}},
      {R"("num_heads":-1)", ErrorCode::kInvalidArgument, {"'num_attention_heads'"}},
      {R"("img_size":[224,256])", ErrorCode::kUnsupported, {"'model_args.img_size'", "square"}},
      {R"("img_size":[224])", ErrorCode::kMalformedFile, {"'model_args.img_size'"}},
      {R"("patch_size":0)", ErrorCode::kInvalidArgument, {"'patch_size'"}},
      {R"("mlp_ratio":-4)", ErrorCode::kInvalidArgument, {"'mlp_ratio'", "-4"}},
      {R"("mlp_ratio":1e300)", ErrorCode::kInvalidArgument, {"'mlp_ratio'"}},
      {R"("mlp_ratio":[])", ErrorCode::kMalformedFile, {"'model_args.mlp_ratio'"}},
      {R"("act_layer":"prelu")", ErrorCode::kUnsupported, {"'act_layer'", "prelu", "gelu_tanh"}},
      {R"("act_layer":{})", ErrorCode::kMalformedFile, {"'model_args.act_layer'"}},
      {R"("global_pool":1)", ErrorCode::kMalformedFile, {"'model_args.global_pool'"}},
      {R"("in_chans":0)", ErrorCode::kInvalidArgument, {"'num_channels'"}},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.arguments);
    std::vector<std::string> parts = bad.parts;
    parts.push_back("config.json: ");
    ExpectError(bad.code, parts, [&] {
      ParseTimm(R"({"architecture":"vit_base_patch16_siglip_224","model_args":{)" + bad.arguments +
                "}}");
    });
  }
}

TEST(TimmConfig, BadDocuments) {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  ExpectError(bad, {"'architecture'"}, [] { ParseTimm(R"({"architecture":5})"); });
  ExpectError(bad, {"'model_args'"}, [] {
    ParseTimm(R"({"architecture":"vit_base_patch16_siglip_224","model_args":[]})");
  });
  ExpectError(bad, {"'pretrained_cfg.input_size'"}, [] {
    ParseTimm(R"({"architecture":"x","pretrained_cfg":{"input_size":[224,224]}})");
  });
  ExpectError(bad, {"'global_pool'"},
              [] { ParseTimm(R"({"architecture":"x","global_pool":[]})"); });
  ExpectError(bad, {"vision_cfg"}, [] { ParseTimm(R"({"model_cfg":{}})"); });
  ExpectError(bad, {"vision_cfg"}, [] { ParseTimm(R"({"model_cfg":[]})"); });
  ExpectError(bad, {"'vision_cfg'"}, [] { ParseTimm(R"({"vision_cfg":5})"); });
  ExpectError(ErrorCode::kUnsupported, {"timm_model_name"},
              [] { ParseTimm(R"({"vision_cfg":{"width":768,"layers":12}})"); });
  ExpectError(ErrorCode::kUnsupported, {"'vision_cfg.timm_proj'", "linear"}, [] {
    ParseTimm(R"({"vision_cfg":{"timm_model_name":"vit_base_patch16_siglip_224",
              "timm_proj":"linear"}})");
  });
}

}  // namespace
}  // namespace siglip
