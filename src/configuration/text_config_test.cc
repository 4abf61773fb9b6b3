// SiglipTextConfig: defaults, bad values of every field, the way to JSON and back, and open_clip's.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "configuration/configuration_test_support.h"
#include "configuration/siglip_config.h"
#include "expect_error.h"
#include "siglip/transformers/configuration.hpp"
#include "weights/transformers_config.h"

namespace siglip {
namespace {

SiglipTextConfig ParseText(const std::string& json) {
  return SiglipTextConfig::FromJson(json, "some/config.json");
}

TEST(TextConfig, FieldsLeftOutTakeTheirDefaults) {
  const SiglipTextConfig config = ParseText(R"({"model_type":"siglip_text_model"})");
  EXPECT_EQ(config.vocab_size, 32000);
  EXPECT_EQ(config.hidden_size, 768);
  EXPECT_EQ(config.intermediate_size, 3072);
  EXPECT_EQ(config.num_hidden_layers, 12);
  EXPECT_EQ(config.num_attention_heads, 12);
  EXPECT_EQ(config.max_position_embeddings, 64);
  EXPECT_EQ(config.hidden_act, "gelu_pytorch_tanh");
  EXPECT_EQ(config.layer_norm_eps, 1e-6);
  EXPECT_EQ(config.attention_dropout, 0.0);
  EXPECT_EQ(config.pad_token_id, 1);
  EXPECT_EQ(config.bos_token_id, 49406);
  EXPECT_EQ(config.eos_token_id, 49407);
  EXPECT_FALSE(config.projection_size);
  EXPECT_EQ(config.embedding_size(), 768);
  EXPECT_TRUE(config.unknown.empty());
}

TEST(TextConfig, ReadsEveryField) {
  const SiglipTextConfig config = ParseText(
      R"({"vocab_size":300,"hidden_size":64,"intermediate_size":100,"num_hidden_layers":3,
          "num_attention_heads":4,"max_position_embeddings":16,"layer_norm_eps":1e-5,
          "attention_dropout":0.5,"hidden_act":"gelu","pad_token_id":0,"bos_token_id":null,
          "eos_token_id":[1,107],"projection_size":48,"use_cache":true,"dtype":"bfloat16"})");
  EXPECT_EQ(config.vocab_size, 300);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.max_position_embeddings, 16);
  EXPECT_EQ(config.hidden_act, "gelu");
  EXPECT_EQ(config.pad_token_id, 0);
  EXPECT_FALSE(config.bos_token_id);
  EXPECT_EQ(config.embedding_size(), 48);
  EXPECT_EQ(config.unknown, (std::map<std::string, std::string>{{"eos_token_id", "[1,107]"},
                                                                {"use_cache", "true"}}));
}

TEST(TextConfig, FindsTheTextConfigOfWholeModels) {
  EXPECT_EQ(ParseText(R"({"model_type":"siglip"})").vocab_size, 32000);
  EXPECT_EQ(ParseText(R"({"model_type":"siglip","text_config":null})").vocab_size, 32000);
  for (const char* type : {"siglip", "siglip2"}) {
    const std::string json = std::string(R"({"model_type":")") + type +
                             R"(","hidden_size":7,"text_config":{"hidden_size":1152}})";
    EXPECT_EQ(ParseText(json).hidden_size, 1152) << type;
  }
  EXPECT_EQ(ParseText(R"({"model_type":"siglip2","text_config":
                      {"model_type":"siglip2_text_model","vocab_size":256000}})")
                .vocab_size,
            256000);
}

/// The same for a configuration of any project.
SiglipTextConfig ParseForeign(const std::string& json, const std::string& name) {
  return ParseTextConfig(TransformersConfig(ParseJson(json, name), Part::kText, name), name);
}

void ExpectBad(const std::vector<BadValue>& cases) {
  for (const BadValue& value : cases) {
    SCOPED_TRACE(value.json);
    std::vector<std::string> parts = value.parts;
    parts.emplace_back("some/config.json: ");
    ExpectError(value.code, parts,
                [&] { ParseForeign("{" + value.json + "}", "some/config.json"); });
  }
}

TEST(TextConfig, BadValuesOfEveryField) {
  const ErrorCode range = ErrorCode::kInvalidArgument;
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const ErrorCode other = ErrorCode::kUnsupported;
  ExpectBad({
      {R"("vocab_size":0)", range, {"'vocab_size'", "found 0"}},
      {R"("vocab_size":-1)", range, {"'vocab_size'", "-1"}},
      {R"("vocab_size":1e12)", range, {"'vocab_size'"}},
      {R"("vocab_size":"32000")", bad, {"'vocab_size'"}},
      {R"("vocab_size":null)", bad, {"'vocab_size'"}},
      {R"("max_position_embeddings":0)", range, {"'max_position_embeddings'"}},
      {R"("max_position_embeddings":10000000)", range, {"'max_position_embeddings'"}},
      {R"("max_position_embeddings":[64])", bad, {"'max_position_embeddings'"}},
      {R"("projection_size":0)", range, {"'projection_size'"}},
      {R"("projection_size":100000)", range, {"'projection_size'"}},
      {R"("projection_size":"wide")", bad, {"'projection_size'"}},
      {R"("hidden_size":0)", range, {"'hidden_size'"}},
      {R"("hidden_size":770)", range, {"'num_attention_heads'", "770"}},
      {R"("hidden_act":"tanh")", range, {"'hidden_act'", "'tanh'"}},
      {R"("layer_norm_eps":0)", range, {"'layer_norm_eps'"}},
      {R"("pad_token_id":"<pad>")", bad, {"'pad_token_id'"}},
      {R"("eos_token_id":1.5)", bad, {"'eos_token_id'"}},
      {R"("text_config":[])", bad, {"'text_config'"}},
      {R"("model_type":7)", bad, {"'model_type'"}},
      {R"("model_type":"siglip_vision_model")", other, {"no text tower"}},
      {R"("model_type":"clip","text_config":{"model_type":"clip_text_model"})",
       other,
       {"'clip'", "'clip_text_model'"}},
      {R"("model_type":"paligemma","text_config":{"model_type":"gemma"})", other, {"'gemma'"}},
      {R"("model_type":"siglip","text_config":{"vocab_size":-1})", range, {"'vocab_size'"}},
      {R"("architecture":"vit_base_patch16_siglip_224")", other, {"timm", "no text tower"}},
  });
}

TEST(TextConfig, RoundTripsThroughJson) {
  SiglipTextConfig config;
  config.hidden_size = 96;
  config.num_attention_heads = 2;
  config.vocab_size = 77;
  config.max_position_embeddings = 5;
  config.layer_norm_eps = 1.2345678901234567e-6;
  config.hidden_act = "quick_gelu";
  config.projection_size = 11;
  config.pad_token_id = 0;
  config.bos_token_id.reset();
  config.unknown = {{"nested", R"({"a":[1,2]})"}};
  const SiglipTextConfig read = ParseText(config.ToJson());
  EXPECT_EQ(read.vocab_size, 77);
  EXPECT_EQ(read.max_position_embeddings, 5);
  EXPECT_EQ(read.projection_size, 11);
  EXPECT_EQ(read.pad_token_id, 0);
  EXPECT_FALSE(read.bos_token_id);
  EXPECT_EQ(read.unknown, config.unknown);
  EXPECT_EQ(read.ToJson(), config.ToJson());
}

SiglipTextConfig ParseOpenClip(const std::string& text_cfg, const std::string& beside = "") {
  return ParseForeign(
      R"({"model_cfg":{"embed_dim":768,)" + beside + R"("text_cfg":{)" + text_cfg + "}}}", "c");
}

/// What makes a text tower of open_clip one of SigLIP.
const std::string kSiglip = R"("no_causal_mask":true,"proj_bias":true,"pool_type":"last")";

TEST(OpenClipTextConfig, ReadsTheFieldsOfThePublicCheckpoints) {
  const SiglipTextConfig config = ParseOpenClip(
      R"("context_length":64,"vocab_size":32000,"hf_tokenizer_name":"timm/ViT-B-16-SigLIP",
         "tokenizer_kwargs":{"clean":"canonicalize"},"width":1152,"heads":16,"layers":27,
         "mlp_ratio":3.7362,"norm_kwargs":{"eps":1e-6},)" +
      kSiglip);
  EXPECT_EQ(config.hidden_size, 1152);
  EXPECT_EQ(config.num_attention_heads, 16);
  EXPECT_EQ(config.num_hidden_layers, 27);
  EXPECT_EQ(config.intermediate_size, 4304);
  EXPECT_EQ(config.vocab_size, 32000);
  EXPECT_EQ(config.max_position_embeddings, 64);
  EXPECT_EQ(config.layer_norm_eps, 1e-6);
  EXPECT_EQ(config.embedding_size(), 768);
  EXPECT_EQ(config.hidden_act, "gelu");
}

TEST(OpenClipTextConfig, FieldsLeftOutHaveTheDefaultsOfOpenClip) {
  const SiglipTextConfig config = ParseOpenClip(kSiglip);
  EXPECT_EQ(config.hidden_size, 512);
  EXPECT_EQ(config.num_attention_heads, 8);
  EXPECT_EQ(config.num_hidden_layers, 12);
  EXPECT_EQ(config.intermediate_size, 2048);
  EXPECT_EQ(config.vocab_size, 49408);
  EXPECT_EQ(config.max_position_embeddings, 77);
  EXPECT_EQ(config.layer_norm_eps, 1e-5);
}

TEST(OpenClipTextConfig, Activations) {
  EXPECT_EQ(ParseOpenClip(kSiglip + R"(,"act_kwargs":{"approximate":"tanh"})").hidden_act,
            "gelu_pytorch_tanh");
  EXPECT_EQ(ParseOpenClip(kSiglip + R"(,"act_kwargs":{"approximate":"none"})").hidden_act, "gelu");
  EXPECT_EQ(ParseOpenClip(kSiglip, R"("quick_gelu":true,)").hidden_act, "quick_gelu");
  ExpectError(ErrorCode::kUnsupported, {"text_cfg.act_kwargs.approximate", "sigmoid"},
              [] { ParseOpenClip(kSiglip + R"(,"act_kwargs":{"approximate":"sigmoid"})"); });
}

TEST(OpenClipTextConfig, RefusesByNameWhatIsNotSiglip) {
  struct Case {
    std::string json, field;
  };
  for (const Case& wrong :
       {Case{R"("proj_bias":true,"pool_type":"last")", "no_causal_mask"},
        Case{R"("no_causal_mask":false,"proj_bias":true,"pool_type":"last")", "no_causal_mask"},
        Case{R"("no_causal_mask":true,"proj_bias":true)", "pool_type"},
        Case{R"("no_causal_mask":true,"pool_type":"last")", "proj_bias"},
        Case{kSiglip + R"(,"hf_model_name":"roberta-base")", "hf_model_name"},
        Case{kSiglip + R"(,"embed_cls":true)", "embed_cls"},
        Case{kSiglip + R"(,"ls_init_value":0.1)", "ls_init_value"},
        Case{kSiglip + R"(,"proj_type":"none")", "proj_type"},
        Case{kSiglip + R"(,"final_ln_after_pool":true)", "final_ln_after_pool"},
        Case{kSiglip + R"(,"qk_norm":true)", "qk_norm"},
        Case{kSiglip + R"(,"scale_attn_inner":true)", "scale_attn_inner"}}) {
    ExpectError(ErrorCode::kUnsupported, {"model_cfg.text_cfg." + wrong.field},
                [&] { ParseOpenClip(wrong.json); });
  }
  ExpectError(ErrorCode::kUnsupported, {"model_cfg.text_cfg"},
              [] { ParseForeign(R"({"model_cfg":{"embed_dim":768}})", "c"); });
  ExpectError(ErrorCode::kMalformedFile, {"embed_dim"},
              [] { ParseForeign(R"({"model_cfg":{"text_cfg":{)" + kSiglip + "}}}", "c"); });
  ExpectError(ErrorCode::kInvalidArgument, {"mlp_ratio"},
              [] { ParseOpenClip(kSiglip + R"(,"mlp_ratio":-4)"); });
  ExpectError(ErrorCode::kMalformedFile, {"text_cfg"},
              [] { ParseForeign(R"({"model_cfg":{"text_cfg":5}})", "c"); });
}

TEST(TextConfig, ATowerInsideOfATowerIsNotWrittenBack) {
  const SiglipTextConfig config = SiglipTextConfig::FromJson(
      R"({"model_type": "siglip", "text_config": {"vocab_size": 7, "new": 1,
          "text_config": {"vocab_size": 9}, "vision_config": {}}})",
      "config.json");
  EXPECT_EQ(config.vocab_size, 7);
  EXPECT_EQ(config.unknown.size(), 1U);
  const SiglipTextConfig again = SiglipTextConfig::FromJson(config.ToJson(), "written");
  EXPECT_EQ(again.vocab_size, 7);
  EXPECT_EQ(again.ToJson(), config.ToJson());
}

}  // namespace
}  // namespace siglip
