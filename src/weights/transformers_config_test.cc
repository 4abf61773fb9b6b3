// What transformers would have written where timm and open_clip did.
#include "weights/transformers_config.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip {
namespace {

TEST(TransformersConfig, OfTimm) {
  const Json timm = {{"architecture", "vit_so400m_patch14_siglip_gap_378.webli"},
                     {"model_args", {{"depth", 2}, {"in_chans", 4}}}};
  EXPECT_EQ(TransformersConfig(timm, Part::kVision, "c"), (Json{
                                                              {"model_type", "siglip_vision_model"},
                                                              {"hidden_size", 1152},
                                                              {"intermediate_size", 4304},
                                                              {"num_hidden_layers", 2},
                                                              {"num_attention_heads", 16},
                                                              {"hidden_act", "gelu"},
                                                              {"patch_size", 14},
                                                              {"image_size", 378},
                                                              {"num_channels", 4},
                                                              {"vision_use_head", false},
                                                          }));
  ExpectError(ErrorCode::kUnsupported, {"c: ", "timm", "no text tower"},
              [&] { TransformersConfig(timm, Part::kText, "c"); });
}

TEST(TransformersConfig, OfOpenClip) {
  const Json open_clip = {
      {"model_cfg",
       {{"embed_dim", 768},
        {"vision_cfg",
         {{"timm_model_name", "vit_base_patch16_siglip_224"}, {"timm_pool", "map"}, {"layers", 3}}},
        {"text_cfg",
         {{"layers", 4},
          {"context_length", 64},
          {"no_causal_mask", true},
          {"proj_bias", true},
          {"pool_type", "last"}}}}}};
  EXPECT_EQ(TransformersConfig(open_clip, Part::kVision, "c"),
            (Json{
                {"model_type", "siglip_vision_model"},
                {"hidden_size", 768},
                {"intermediate_size", 3072},
                {"num_hidden_layers", 3},
                {"num_attention_heads", 12},
                {"hidden_act", "gelu"},
                {"patch_size", 16},
                {"image_size", 224},
                {"vision_use_head", true},
            }));
  EXPECT_EQ(TransformersConfig(open_clip, Part::kText, "c"),
            (Json{
                {"model_type", "siglip_text_model"},
                {"hidden_size", 512},
                {"intermediate_size", 2048},
                {"num_hidden_layers", 4},
                {"num_attention_heads", 8},
                {"hidden_act", "gelu"},
                {"layer_norm_eps", 1e-5},
                {"vocab_size", 49408},
                {"max_position_embeddings", 64},
                {"projection_size", 768},
                {"pad_token_id", 0},
                {"bos_token_id", nullptr},
                {"eos_token_id", nullptr},
            }));
}

/// Each tower is translated alone: an image tower can be used beside a text tower that cannot.
TEST(TransformersConfig, OneTowerDoesNotMindTheOther) {
  const Json open_clip = {{"vision_cfg", {{"timm_model_name", "vit_base_patch16_siglip_384"}}},
                          {"text_cfg", {{"hf_model_name", "facebook/nllb-200-distilled-600M"}}}};
  EXPECT_EQ(TransformersConfig(open_clip, Part::kVision, "c")["image_size"], 384);
  ExpectError(ErrorCode::kUnsupported, {"'text_cfg.hf_model_name'"},
              [&] { TransformersConfig(open_clip, Part::kText, "c"); });
}

TEST(TransformersConfig, OthersStayAsTheyAre) {
  for (const Json& config :
       {Json{{"model_type", "siglip"}, {"vision_config", {{"hidden_size", 7}}}}, Json{{"x", 1}},
        Json::array({1}), Json(), Json("text")}) {
    EXPECT_EQ(TransformersConfig(config, Part::kVision, "c"), config);
    EXPECT_EQ(TransformersConfig(config, Part::kText, "c"), config);
  }
}

}  // namespace
}  // namespace siglip
