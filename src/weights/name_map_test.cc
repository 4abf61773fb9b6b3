// Names of every scheme, and how a scheme is recognised.
#include "weights/name_map.h"

#include <gtest/gtest.h>

namespace siglip {
namespace {

struct NameCase {
  Tower tower;
  std::string canonical;
  StoredName stored;
};

TEST(NameMap, StoredNamesOfEveryScheme) {
  const Tower hugging_face = {NamingScheme::kHuggingFace, "vision_model."};
  const Tower bare = {NamingScheme::kHuggingFace, ""};
  const Tower paligemma = {NamingScheme::kVisionLanguage, "vision_tower.vision_model."};
  const Tower timm = {NamingScheme::kTimm, ""};
  const Tower open_clip = {NamingScheme::kOpenClip, "visual.trunk."};
  const std::vector<NameCase> cases = {
      {hugging_face,
       "vision_model.embeddings.patch_embedding.weight",
       {"vision_model.embeddings.patch_embedding.weight"}},
      {hugging_face,
       "vision_model.head.attention.k_proj.weight",
       {"vision_model.head.attention.in_proj_weight", 1, 3}},
      {hugging_face,
       "vision_model.head.attention.v_proj.bias",
       {"vision_model.head.attention.in_proj_bias", 2, 3}},
      {hugging_face,
       "vision_model.head.attention.out_proj.bias",
       {"vision_model.head.attention.out_proj.bias"}},
      {bare, "vision_model.post_layernorm.bias", {"post_layernorm.bias"}},
      {paligemma,
       "vision_model.encoder.layers.3.mlp.fc1.weight",
       {"vision_tower.vision_model.encoder.layers.3.mlp.fc1.weight"}},
      {timm, "vision_model.embeddings.patch_embedding.bias", {"patch_embed.proj.bias"}},
      {timm, "vision_model.embeddings.position_embedding.weight", {"pos_embed", 0, 1, true}},
      {timm,
       "vision_model.encoder.layers.11.self_attn.q_proj.weight",
       {"blocks.11.attn.qkv.weight", 0, 3}},
      {timm,
       "vision_model.encoder.layers.11.self_attn.v_proj.bias",
       {"blocks.11.attn.qkv.bias", 2, 3}},
      {timm,
       "vision_model.encoder.layers.0.self_attn.out_proj.weight",
       {"blocks.0.attn.proj.weight"}},
      {timm, "vision_model.encoder.layers.0.layer_norm2.bias", {"blocks.0.norm2.bias"}},
      {timm, "vision_model.encoder.layers.0.mlp.fc2.weight", {"blocks.0.mlp.fc2.weight"}},
      {timm, "vision_model.post_layernorm.weight", {"norm.weight"}},
      {timm, "vision_model.head.probe", {"attn_pool.latent"}},
      {timm, "vision_model.head.attention.q_proj.weight", {"attn_pool.q.weight"}},
      {timm, "vision_model.head.attention.k_proj.weight", {"attn_pool.kv.weight", 0, 2}},
      {timm, "vision_model.head.attention.v_proj.weight", {"attn_pool.kv.weight", 1, 2}},
      {timm, "vision_model.head.attention.out_proj.bias", {"attn_pool.proj.bias"}},
      {timm, "vision_model.head.layernorm.weight", {"attn_pool.norm.weight"}},
      {timm, "vision_model.head.mlp.fc1.bias", {"attn_pool.mlp.fc1.bias"}},
      {open_clip,
       "vision_model.encoder.layers.7.layer_norm1.weight",
       {"visual.trunk.blocks.7.norm1.weight"}},
  };
  for (const NameCase& named : cases) {
    const std::vector<StoredName> found = StoredNames(named.tower, named.canonical);
    ASSERT_FALSE(found.empty()) << named.canonical;
    EXPECT_EQ(found[0].name, named.stored.name);
    EXPECT_EQ(found[0].block, named.stored.block) << named.canonical;
    EXPECT_EQ(found[0].blocks, named.stored.blocks) << named.canonical;
    EXPECT_EQ(found[0].leading_one, named.stored.leading_one) << named.canonical;
  }
}

TEST(NameMap, TutorialNamesAreAlternatives) {
  const Tower tower = {NamingScheme::kTutorial, "vision_model."};
  const auto norm = StoredNames(tower, "vision_model.post_layernorm.weight");
  ASSERT_EQ(norm.size(), 2U);
  EXPECT_EQ(norm[0].name, "vision_model.post_layernorm.weight");
  EXPECT_EQ(norm[1].name, "vision_model.post_layer_norm.weight");
  const auto position = StoredNames(tower, "vision_model.embeddings.position_embedding.weight");
  ASSERT_EQ(position.size(), 2U);
  EXPECT_EQ(position[1].name, "vision_model.embeddings.position_embeddings.weight");
}

TEST(NameMap, NamesThatAreNotCanonicalHaveNoStoredName) {
  EXPECT_TRUE(StoredNames({NamingScheme::kHuggingFace, ""}, "text_model.x").empty());
  EXPECT_TRUE(StoredNames({NamingScheme::kTimm, ""}, "vision_model.nonsense").empty());
  EXPECT_TRUE(StoredNames({NamingScheme::kTimm, ""}, "vision_model.encoder.layers.0").empty());
}

TEST(NameMap, RecognisesSchemesAndPrefixes) {
  struct Case {
    NameSet stored;
    NamingScheme scheme;
    std::string prefix;
  };
  const std::string patch = "embeddings.patch_embedding.weight";
  const std::vector<Case> cases = {
      {{patch}, NamingScheme::kHuggingFace, ""},
      {{"vision_model." + patch, "text_model.head.weight"},
       NamingScheme::kHuggingFace,
       "vision_model."},
      {{"vision_model." + patch, "vision_model.post_layer_norm.bias"},
       NamingScheme::kTutorial,
       "vision_model."},
      {{patch, "embeddings.position_embeddings.weight"}, NamingScheme::kTutorial, ""},
      {{"vision_tower.vision_model." + patch},
       NamingScheme::kVisionLanguage,
       "vision_tower.vision_model."},
      {{"model.vision_tower." + patch}, NamingScheme::kVisionLanguage, "model.vision_tower."},
      {{"model.vision_tower.vision_model." + patch},
       NamingScheme::kVisionLanguage,
       "model.vision_tower.vision_model."},
      {{"vision_tower." + patch}, NamingScheme::kVisionLanguage, "vision_tower."},
      {{"patch_embed.proj.weight", "pos_embed"}, NamingScheme::kTimm, ""},
      {{"visual.trunk.patch_embed.proj.weight"}, NamingScheme::kOpenClip, "visual.trunk."},
      // Recognised although the usual mark is missing.
      {{"vision_model.post_layernorm.weight"}, NamingScheme::kHuggingFace, "vision_model."},
      {{"visual.trunk.pos_embed"}, NamingScheme::kOpenClip, "visual.trunk."},
  };
  for (const Case& expected : cases) {
    const std::vector<Tower> towers = FindTowers(expected.stored);
    ASSERT_EQ(towers.size(), 1U) << *expected.stored.begin();
    EXPECT_EQ(ToString(towers[0].scheme), ToString(expected.scheme)) << *expected.stored.begin();
    EXPECT_EQ(towers[0].prefix, expected.prefix);
  }
  EXPECT_TRUE(
      FindTowers({"text_model.encoder.layers.0.layer_norm1.weight", "logit_scale"}).empty());
  EXPECT_TRUE(FindTowers({"xembeddings.patch_embedding.weight"}).empty());
  EXPECT_EQ(FindTowers({"a." + patch, "b." + patch}).size(), 2U);
}

TEST(NameMap, RolesOfNamesNobodyAskedFor) {
  const Tower full = {NamingScheme::kHuggingFace, "vision_model."};
  EXPECT_EQ(RoleOf(full, "text_model.head.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(full, "logit_scale"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(full, "classifier.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(full, "vision_model.embeddings.position_ids"), NameRole::kBuffer);
  EXPECT_EQ(RoleOf(full, "vision_model.head.probe"), NameRole::kHead);
  EXPECT_EQ(RoleOf(full, "vision_model.cls_token"), NameRole::kTower);
  const Tower bare = {NamingScheme::kHuggingFace, ""};
  EXPECT_EQ(RoleOf(bare, "logit_bias"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(bare, "classifier.bias"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(bare, "encoder.layers.9.extra"), NameRole::kTower);
  EXPECT_EQ(RoleOf(bare, "head.probe"), NameRole::kHead);
  const Tower vlm = {NamingScheme::kVisionLanguage, "vision_tower."};
  EXPECT_EQ(RoleOf(vlm, "multi_modal_projector.linear.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(vlm, "language_model.model.norm.weight"), NameRole::kForeign);
  const Tower timm = {NamingScheme::kTimm, ""};
  EXPECT_EQ(RoleOf(timm, "head.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(timm, "attn_pool.latent"), NameRole::kHead);
  EXPECT_EQ(RoleOf(timm, "blocks.0.ls1.gamma"), NameRole::kTower);
  EXPECT_EQ(RoleOf(timm, "cls_token"), NameRole::kTower);
  const Tower open_clip = {NamingScheme::kOpenClip, "visual.trunk."};
  EXPECT_EQ(RoleOf(open_clip, "text.token_embedding.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(open_clip, "visual.head.proj.weight"), NameRole::kTower);
}

}  // namespace
}  // namespace siglip
