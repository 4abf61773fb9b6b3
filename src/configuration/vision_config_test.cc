// SiglipVisionConfig: defaults, bad values of every field, and the way to JSON and back.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "configuration/activation.h"
#include "configuration/configuration_test_support.h"
#include "configuration/siglip_config.h"
#include "expect_error.h"
#include "siglip/transformers/configuration.hpp"

namespace siglip {
namespace {

SiglipVisionConfig ParseVision(const std::string& json) {
  return SiglipVisionConfig::FromJson(json, "some/config.json");
}

TEST(VisionConfig, FieldsLeftOutTakeTheirDefaults) {
  const SiglipVisionConfig config =
      ParseVision(R"({"model_type":"siglip_vision_model","image_size":384})");
  EXPECT_EQ(config.hidden_size, 768);
  EXPECT_EQ(config.intermediate_size, 3072);
  EXPECT_EQ(config.num_hidden_layers, 12);
  EXPECT_EQ(config.num_attention_heads, 12);
  EXPECT_EQ(config.num_channels, 3);
  EXPECT_EQ(config.image_size, 384);
  EXPECT_EQ(config.patch_size, 16);
  EXPECT_EQ(config.layer_norm_eps, 1e-6);
  EXPECT_EQ(config.attention_dropout, 0.0);
  EXPECT_EQ(config.hidden_act, "gelu_pytorch_tanh");
  EXPECT_FALSE(config.vision_use_head);
  EXPECT_FALSE(config.num_image_tokens);
  EXPECT_TRUE(config.unknown.empty());
}

TEST(VisionConfig, ReadsEveryField) {
  const SiglipVisionConfig config = ParseVision(
      R"({"hidden_size":64,"intermediate_size":100,"num_hidden_layers":3,"num_attention_heads":4,
          "num_channels":5,"image_size":[50,50],"patch_size":[14,14],"layer_norm_eps":1e-5,
          "attention_dropout":0.5,"num_image_tokens":256,"hidden_act":"gelu",
          "vision_use_head":false,"projection_dim":2048,"projector_hidden_act":"gelu_fast",
          "dtype":"bfloat16","architectures":["X"],"transformers_version":"5.0"})");
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.intermediate_size, 100);
  EXPECT_EQ(config.num_hidden_layers, 3);
  EXPECT_EQ(config.num_attention_heads, 4);
  EXPECT_EQ(config.num_channels, 5);
  EXPECT_EQ(config.image_size, 50);
  EXPECT_EQ(config.patch_size, 14);
  EXPECT_EQ(config.num_patches(), 9);
  EXPECT_EQ(config.layer_norm_eps, 1e-5);
  EXPECT_EQ(config.attention_dropout, 0.5);
  EXPECT_EQ(config.num_image_tokens, 256);
  EXPECT_EQ(config.hidden_act, "gelu");
  EXPECT_EQ(config.vision_use_head, false);
  EXPECT_EQ(config.unknown,
            (std::map<std::string, std::string>{{"projection_dim", "2048"},
                                                {"projector_hidden_act", "\"gelu_fast\""}}));
}

TEST(VisionConfig, EveryKnownActivationIsAccepted) {
  // As transformers' ACT2FN has them.
  const std::pair<const char*, Activation> expected[] = {
      {"gelu", Activation::kGeluErf},
      {"gelu_fast", Activation::kGeluTanh},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"quick_gelu", Activation::kQuickGelu},
      {"relu", Activation::kRelu},
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu}};
  for (const auto& [name, activation] : expected) {
    SiglipVisionConfig config;
    config.hidden_act = name;
    EXPECT_NO_THROW(config.Validate()) << name;
    EXPECT_EQ(ParseActivation(name), activation) << name;
  }
}

TEST(VisionConfig, BadValuesOfEveryField) {
  const ErrorCode range = ErrorCode::kInvalidArgument;
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const std::vector<BadValue> cases = {
      {R"("hidden_size":0)", range, {"'hidden_size'", "found 0"}},
      {R"("hidden_size":-768)", range, {"'hidden_size'", "-768"}},
      {R"("hidden_size":9223372036854775807)", range, {"'hidden_size'"}},
      {R"("hidden_size":"768")", bad, {"'hidden_size'", "768"}},
      {R"("hidden_size":768.5)", bad, {"'hidden_size'", "768.5"}},
      {R"("hidden_size":null)", bad, {"'hidden_size'", "null"}},
      {R"("hidden_size":[768])", bad, {"'hidden_size'"}},
      {R"("hidden_size":18446744073709551615)", bad, {"'hidden_size'"}},
      {R"("hidden_size":770)", range, {"'num_attention_heads'", "12", "770"}},
      {R"("intermediate_size":0)", range, {"'intermediate_size'"}},
      {R"("intermediate_size":2000000000)", range, {"'intermediate_size'"}},
      {R"("num_hidden_layers":0)", range, {"'num_hidden_layers'"}},
      {R"("num_hidden_layers":1000000)", range, {"'num_hidden_layers'", "1000000"}},
      {R"("num_hidden_layers":true)", bad, {"'num_hidden_layers'", "true"}},
      {R"("num_attention_heads":0)", range, {"'num_attention_heads'"}},
      {R"("num_attention_heads":-12)", range, {"'num_attention_heads'"}},
      {R"("num_attention_heads":7)", range, {"'num_attention_heads'", "768"}},
      {R"("num_channels":0)", range, {"'num_channels'"}},
      {R"("num_channels":100000)", range, {"'num_channels'"}},
      {R"("image_size":0)", range, {"'image_size'"}},
      {R"("image_size":15)", range, {"'patch_size'", "15"}},
      {R"("image_size":1000000)", range, {"'image_size'"}},
      {R"("image_size":[224,256])", ErrorCode::kUnsupported, {"'image_size'", "224 x 256"}},
      {R"("image_size":[224])", bad, {"'image_size'", "1 values"}},
      {R"("image_size":[224,224,224])", bad, {"'image_size'", "3 values"}},
      {R"("image_size":["a","b"])", bad, {"'image_size'"}},
      {R"("image_size":32768,"patch_size":1)", range, {"'image_size'", "patches"}},
      {R"("patch_size":0)", range, {"'patch_size'"}},
      {R"("patch_size":225)", range, {"'patch_size'", "224"}},
      {R"("patch_size":4096,"image_size":4096,"num_channels":1024)", range, {"'patch_size'"}},
      {R"("layer_norm_eps":0)", range, {"'layer_norm_eps'"}},
      {R"("layer_norm_eps":-1e-6)", range, {"'layer_norm_eps'"}},
      {R"("layer_norm_eps":1e-300)", range, {"'layer_norm_eps'", "1e-300"}},
      {R"("layer_norm_eps":1e300)", range, {"'layer_norm_eps'", "1e+300"}},
      {R"("layer_norm_eps":"1e-6")", bad, {"'layer_norm_eps'"}},
      {R"("layer_norm_eps":NaN)", bad, {"finite", "found NaN"}},
      {R"("layer_norm_eps":1e999)", bad, {}},
      {R"("attention_dropout":-0.1)", range, {"'attention_dropout'"}},
      {R"("attention_dropout":1.1)", range, {"'attention_dropout'"}},
      {R"("attention_dropout":null)", bad, {"'attention_dropout'"}},
      {R"("num_image_tokens":0)", range, {"'num_image_tokens'"}},
      {R"("num_image_tokens":-1)", range, {"'num_image_tokens'"}},
      {R"("num_image_tokens":"many")", bad, {"'num_image_tokens'"}},
      {R"("hidden_act":"tanh")", range, {"'hidden_act'", "'tanh'", "gelu_pytorch_tanh", "swish"}},
      {R"("hidden_act":"")", range, {"'hidden_act'"}},
      {R"("hidden_act":"a\nb")", range, {"'hidden_act'"}},
      {R"("hidden_act":5)", bad, {"'hidden_act'", "5"}},
      {R"("vision_use_head":1)", bad, {"'vision_use_head'", "1"}},
      {R"("vision_use_head":"true")", bad, {"'vision_use_head'"}},
      {R"("model_type":7)", bad, {"'model_type'"}},
      {R"("vision_config":[])", bad, {"'vision_config'"}},
      {R"("model_type":"clip")", ErrorCode::kUnsupported, {"'clip'", "siglip"}},
      {R"("model_type":"siglip_text_model")", ErrorCode::kUnsupported, {"no image tower"}},
      {R"("model_type":"siglip2")", ErrorCode::kUnsupported, {"'siglip2'", "NaFlex"}},
      {R"("model_type":"siglip2_vision_model")", ErrorCode::kUnsupported, {"NaFlex"}},
      {R"("model_type":"paligemma")", ErrorCode::kUnsupported, {"'paligemma'", "vision_config"}},
      {R"("model_type":"llava","vision_config":{"model_type":"clip_vision_model"})",
       ErrorCode::kUnsupported,
       {"'llava'", "'clip_vision_model'"}},
      {R"("model_type":"llava","vision_config":{})", ErrorCode::kUnsupported, {"'llava'"}},
      {R"("model_type":"siglip","vision_config":{"hidden_size":-1})", range, {"'hidden_size'"}},
  };
  for (const BadValue& value : cases) {
    SCOPED_TRACE(value.json);
    std::vector<std::string> parts = value.parts;
    parts.push_back("some/config.json: ");
    ExpectError(value.code, parts, [&] { ParseVision("{" + value.json + "}"); });
  }
}

TEST(VisionConfig, NotAnObject) {
  for (const char* json : {"[]", "5", "null", "\"text\"", "", "{", "nonsense"}) {
    ExpectError(ErrorCode::kMalformedFile, {"some/config.json: "}, [&] { ParseVision(json); });
  }
}

TEST(VisionConfig, ValidateSeesValuesThatJsonCannotHold) {
  SiglipVisionConfig config;
  config.layer_norm_eps = std::nan("");
  ExpectError(ErrorCode::kInvalidArgument, {"'layer_norm_eps'"}, [&] { config.Validate(); });
  config.layer_norm_eps = std::numeric_limits<double>::infinity();
  ExpectError(ErrorCode::kInvalidArgument, {"'layer_norm_eps'"}, [&] { config.Validate(); });
  config.layer_norm_eps = 1e-6;
  config.attention_dropout = std::nan("");
  ExpectError(ErrorCode::kInvalidArgument, {"'attention_dropout'"}, [&] { config.Validate(); });
  config.attention_dropout = 0;
  config.hidden_act = "\xff";
  ExpectError(ErrorCode::kInvalidArgument, {"'hidden_act'"}, [&] { config.Validate(); });
}

TEST(VisionConfig, FindsTheVisionConfigOfLargerModels) {
  EXPECT_EQ(ParseVision(R"({"model_type":"siglip"})").hidden_size, 768);
  EXPECT_EQ(ParseVision(R"({"model_type":"siglip","vision_config":null})").hidden_size, 768);
  for (const char* type : {"siglip", "paligemma", "gemma3"}) {
    const std::string json = std::string(R"({"model_type":")") + type +
                             R"(","hidden_size":2048,"vision_config":{"hidden_size":1152}})";
    EXPECT_EQ(ParseVision(json).hidden_size, 1152) << type;
  }
  EXPECT_EQ(ParseVision(R"({"model_type":"some_new_vlm","text_config":{"hidden_size":7},
                      "vision_config":{"model_type":"siglip_vision_model","hidden_size":1152}})")
                .hidden_size,
            1152);
}

TEST(VisionConfig, RoundTripsThroughJson) {
  SiglipVisionConfig config;
  config.hidden_size = 96;
  config.num_attention_heads = 2;
  config.layer_norm_eps = 1.2345678901234567e-6;
  config.attention_dropout = 0.1;
  config.num_image_tokens = 256;
  config.hidden_act = "quick_gelu";
  config.vision_use_head = false;
  config.unknown = {{"projection_dim", "2048"}, {"nested", R"({"a":[1,2]})"}};
  const SiglipVisionConfig read = ParseVision(config.ToJson());
  EXPECT_EQ(read.hidden_size, 96);
  EXPECT_EQ(read.num_attention_heads, 2);
  EXPECT_EQ(read.layer_norm_eps, config.layer_norm_eps);
  EXPECT_EQ(read.attention_dropout, 0.1);
  EXPECT_EQ(read.num_image_tokens, 256);
  EXPECT_EQ(read.hidden_act, "quick_gelu");
  EXPECT_EQ(read.vision_use_head, false);
  EXPECT_EQ(read.unknown, config.unknown);
  EXPECT_EQ(read.ToJson(), config.ToJson());
}

TEST(VisionConfig, JsonIsThatOfTransformers) {
  const Json json = ParseJson(SiglipVisionConfig().ToJson(), "config");
  EXPECT_EQ(json.at("model_type"), "siglip_vision_model");
  EXPECT_EQ(json.at("architectures"), Json::array({"SiglipVisionModel"}));
  EXPECT_EQ(json.at("dtype"), "float32");
  EXPECT_EQ(json.at("hidden_size"), 768);
  EXPECT_FALSE(json.contains("vision_use_head"));
}

}  // namespace
}  // namespace siglip
