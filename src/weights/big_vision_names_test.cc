// big_vision's names of every tensor, and where its parts are found.
#include "weights/big_vision_names.h"

#include <gtest/gtest.h>

namespace siglip {
namespace {

std::string NameOf(const Place& place, const std::string& canonical) {
  const std::vector<StoredName> names = StoredNames(place, canonical);
  return names.size() == 1 ? names.front().name : std::to_string(names.size()) + " names";
}

TEST(BigVisionNames, Towers) {
  const Place image = {Part::kVision, NamingScheme::kBigVision, "params/img/"};
  const Place text = {Part::kText, NamingScheme::kBigVision, "txt/"};
  const Place logits = {Part::kLogits, NamingScheme::kBigVision, "params/"};
  const std::string vision = "vision_model.";
  const std::string attention = "params/img/MAPHead_0/MultiHeadDotProductAttention_0/";
  const std::string block = "params/img/Transformer/encoderblock_11/";
  for (const auto& [canonical, stored] : std::vector<std::pair<std::string, std::string>>{
           {"embeddings.patch_embedding.weight", "params/img/embedding/kernel"},
           {"embeddings.patch_embedding.bias", "params/img/embedding/bias"},
           {"embeddings.position_embedding.weight", "params/img/pos_embedding"},
           {"encoder.layers.11.layer_norm1.weight", block + "LayerNorm_0/scale"},
           {"encoder.layers.11.layer_norm2.bias", block + "LayerNorm_1/bias"},
           {"encoder.layers.11.self_attn.q_proj.weight",
            block + "MultiHeadDotProductAttention_0/query/kernel"},
           {"encoder.layers.11.self_attn.k_proj.bias",
            block + "MultiHeadDotProductAttention_0/key/bias"},
           {"encoder.layers.11.self_attn.v_proj.weight",
            block + "MultiHeadDotProductAttention_0/value/kernel"},
           {"encoder.layers.11.self_attn.out_proj.weight",
            block + "MultiHeadDotProductAttention_0/out/kernel"},
           {"encoder.layers.11.mlp.fc1.weight", block + "MlpBlock_0/Dense_0/kernel"},
           {"encoder.layers.11.mlp.fc2.bias", block + "MlpBlock_0/Dense_1/bias"},
           {"post_layernorm.weight", "params/img/Transformer/encoder_norm/scale"},
           {"head.probe", "params/img/MAPHead_0/probe"},
           {"head.attention.q_proj.bias", attention + "query/bias"},
           {"head.attention.v_proj.weight", attention + "value/kernel"},
           {"head.attention.out_proj.weight", attention + "out/kernel"},
           {"head.layernorm.weight", "params/img/MAPHead_0/LayerNorm_0/scale"},
           {"head.mlp.fc2.weight", "params/img/MAPHead_0/MlpBlock_0/Dense_1/kernel"}}) {
    EXPECT_EQ(NameOf(image, vision + canonical), stored);
  }
  EXPECT_EQ(NameOf(text, "text_model.embeddings.token_embedding.weight"), "txt/Embed_0/embedding");
  EXPECT_EQ(NameOf(text, "text_model.embeddings.position_embedding.weight"), "txt/pos_embedding");
  EXPECT_EQ(NameOf(text, "text_model.encoder.layers.3.layer_norm1.bias"),
            "txt/Encoder_0/encoderblock_3/LayerNorm_0/bias");
  EXPECT_EQ(NameOf(text, "text_model.final_layer_norm.weight"), "txt/Encoder_0/encoder_norm/scale");
  EXPECT_EQ(NameOf(text, "text_model.head.weight"), "txt/head/kernel");
  EXPECT_EQ(NameOf(text, "text_model.head.bias"), "txt/head/bias");
  EXPECT_EQ(NameOf(logits, "logit_scale"), "params/t");
  EXPECT_EQ(NameOf(logits, "logit_bias"), "params/b");
  EXPECT_EQ(NameOf(image, "vision_model.nonsense.weight"), "0 names");
  EXPECT_EQ(NameOf(image, "vision_model.encoder.layers.0"), "0 names");
}

TEST(BigVisionNames, KernelsHaveTheirInputsFirst) {
  const Place image = {Part::kVision, NamingScheme::kBigVision, ""};
  const auto layout = [&](const std::string& canonical) {
    return StoredNames(image, "vision_model." + canonical).front().layout;
  };
  EXPECT_EQ(layout("embeddings.patch_embedding.weight"), Layout::kInputsFirst);
  EXPECT_EQ(layout("encoder.layers.0.mlp.fc1.weight"), Layout::kInputsFirst);
  EXPECT_EQ(layout("encoder.layers.0.mlp.fc1.bias"), Layout::kOutputsFirst);
  EXPECT_EQ(layout("embeddings.position_embedding.weight"), Layout::kOutputsFirst);
  EXPECT_EQ(layout("head.probe"), Layout::kOutputsFirst);
  EXPECT_EQ(layout("post_layernorm.weight"), Layout::kOutputsFirst);
}

TEST(BigVisionNames, StackedLayers) {
  const Place stacked = {Part::kVision, NamingScheme::kBigVision, "img/", true};
  const StoredName name =
      StoredNames(stacked, "vision_model.encoder.layers.26.mlp.fc1.weight").front();
  EXPECT_EQ(name.name, "img/Transformer/encoderblock/MlpBlock_0/Dense_0/kernel");
  EXPECT_EQ(name.layer, 26);
  EXPECT_EQ(StoredNames(stacked, "vision_model.head.probe").front().layer, std::nullopt);
  EXPECT_TRUE(StoredNames(stacked, "vision_model.encoder.layers.x.mlp.fc1.weight").empty());
}

TEST(BigVisionNames, Places) {
  struct Case {
    Part part;
    NameSet stored;
    std::string prefix;
    bool stacked = false;
  };
  const std::vector<Case> cases = {
      {Part::kVision, {"embedding/kernel", "pos_embedding"}, ""},
      {Part::kVision,
       {"params/img/embedding/kernel", "params/txt/Embed_0/embedding"},
       "params/img/"},
      {Part::kVision,
       {"img/embedding/kernel", "img/Transformer/encoderblock/LayerNorm_0/bias"},
       "img/",
       true},
      // The state of an optimiser repeats the names of the parameters.
      {Part::kVision,
       {"opt/0/mu/img/embedding/kernel", "opt/0/nu/img/embedding/kernel",
        "params/img/embedding/kernel"},
       "params/img/"},
      {Part::kVision,
       {"opt/state/0/img/embedding/kernel", "opt/target/img/embedding/kernel"},
       "opt/target/img/"},
      {Part::kVision, {"img/Transformer/encoder_norm/scale"}, "img/"},
      {Part::kText, {"params/txt/Embed_0/embedding"}, "params/txt/"},
      {Part::kText, {"txt/Encoder_0/encoder_norm/scale"}, "txt/"},
      {Part::kLogits, {"params/img/embedding/kernel", "params/t", "params/b"}, "params/"},
      {Part::kLogits, {"txt/Embed_0/embedding", "t"}, ""},
  };
  for (const Case& expected : cases) {
    SCOPED_TRACE(*expected.stored.begin());
    const std::vector<Place> places = FindPlaces(expected.part, expected.stored);
    ASSERT_EQ(places.size(), 1U);
    EXPECT_EQ(ToString(places[0].scheme), "big_vision");
    EXPECT_EQ(places[0].prefix, expected.prefix);
    EXPECT_EQ(places[0].stacked, expected.stacked);
  }
  EXPECT_TRUE(FindPlaces(Part::kLogits, {"t", "b"}).empty());
  EXPECT_TRUE(FindPlaces(Part::kLogits, {"embedding/kernel", "t"}).empty());
  EXPECT_TRUE(FindPlaces(Part::kText, {"img/embedding/kernel"}).empty());
  EXPECT_TRUE(FindPlaces(Part::kClassifier, {"img/embedding/kernel"}).empty());
  EXPECT_EQ(FindPlaces(Part::kVision, {"a/embedding/kernel", "b/embedding/kernel"}).size(), 2U);
}

TEST(BigVisionNames, Roles) {
  const Place image = {Part::kVision, NamingScheme::kBigVision, "params/img/"};
  EXPECT_EQ(RoleOf(image, "params/txt/head/kernel"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(image, "opt/mu/img/embedding/kernel"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(image, "params/img/MAPHead_0/probe"), NameRole::kHead);
  EXPECT_EQ(RoleOf(image, "params/img/head/kernel"), NameRole::kHead);
  EXPECT_EQ(RoleOf(image, "params/img/cls"), NameRole::kPart);
  const Place text = {Part::kText, NamingScheme::kBigVision, "params/txt/"};
  EXPECT_EQ(RoleOf(text, "params/txt/head/kernel"), NameRole::kHead);
  EXPECT_EQ(RoleOf(text, "params/txt/Encoder_0/pos_embedding"), NameRole::kPart);
  const Place logits = {Part::kLogits, NamingScheme::kBigVision, "params/"};
  EXPECT_EQ(RoleOf(logits, "params/t"), NameRole::kPart);
  EXPECT_EQ(RoleOf(logits, "params/txt/head/bias"), NameRole::kForeign);
}

}  // namespace
}  // namespace siglip
