// Names of every scheme, and how a scheme is recognised.
#include "weights/name_map.h"

#include <gtest/gtest.h>

namespace siglip {
namespace {

struct NameCase {
  Place place;
  std::string canonical;
  StoredName stored;
};

TEST(NameMap, StoredNamesOfEveryScheme) {
  const Place hugging_face = {Part::kVision, NamingScheme::kHuggingFace, "vision_model."};
  const Place bare = {Part::kVision, NamingScheme::kHuggingFace, ""};
  const Place paligemma = {Part::kVision, NamingScheme::kVisionLanguage,
                           "vision_tower.vision_model."};
  const Place timm = {Part::kVision, NamingScheme::kTimm, ""};
  const Place open_clip = {Part::kVision, NamingScheme::kOpenClip, "visual.trunk."};
  const Place text = {Part::kText, NamingScheme::kHuggingFace, "text_model."};
  const Place bare_text = {Part::kText, NamingScheme::kHuggingFace, ""};
  const Place open_clip_text = {Part::kText, NamingScheme::kOpenClip, "text."};
  const Place logits = {Part::kLogits, NamingScheme::kHuggingFace, ""};
  const Place classifier = {Part::kClassifier, NamingScheme::kHuggingFace, ""};
  const Place projector = {Part::kProjector, NamingScheme::kVisionLanguage, "model."};
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
      {text,
       "text_model.embeddings.token_embedding.weight",
       {"text_model.embeddings.token_embedding.weight"}},
      {text, "text_model.head.bias", {"text_model.head.bias"}},
      {bare_text, "text_model.final_layer_norm.weight", {"final_layer_norm.weight"}},
      {bare_text,
       "text_model.encoder.layers.2.self_attn.k_proj.bias",
       {"encoder.layers.2.self_attn.k_proj.bias"}},
      {open_clip_text,
       "text_model.embeddings.token_embedding.weight",
       {"text.token_embedding.weight"}},
      {open_clip_text,
       "text_model.embeddings.position_embedding.weight",
       {"text.positional_embedding"}},
      {open_clip_text,
       "text_model.encoder.layers.1.layer_norm1.weight",
       {"text.transformer.resblocks.1.ln_1.weight"}},
      {open_clip_text,
       "text_model.encoder.layers.1.self_attn.q_proj.weight",
       {"text.transformer.resblocks.1.attn.in_proj_weight", 0, 3}},
      {open_clip_text,
       "text_model.encoder.layers.1.self_attn.v_proj.bias",
       {"text.transformer.resblocks.1.attn.in_proj_bias", 2, 3}},
      {open_clip_text,
       "text_model.encoder.layers.1.self_attn.out_proj.bias",
       {"text.transformer.resblocks.1.attn.out_proj.bias"}},
      {open_clip_text,
       "text_model.encoder.layers.10.layer_norm2.bias",
       {"text.transformer.resblocks.10.ln_2.bias"}},
      {open_clip_text,
       "text_model.encoder.layers.10.mlp.fc1.weight",
       {"text.transformer.resblocks.10.mlp.c_fc.weight"}},
      {open_clip_text,
       "text_model.encoder.layers.10.mlp.fc2.bias",
       {"text.transformer.resblocks.10.mlp.c_proj.bias"}},
      {open_clip_text, "text_model.final_layer_norm.bias", {"text.ln_final.bias"}},
      {open_clip_text, "text_model.head.weight", {"text.text_projection.weight"}},
      {logits, "logit_scale", {"logit_scale"}},
      {logits, "logit_bias", {"logit_bias"}},
      {classifier, "classifier.weight", {"classifier.weight"}},
      {projector, "multi_modal_projector.linear.bias", {"model.multi_modal_projector.linear.bias"}},
      {projector,
       "multi_modal_projector.mm_soft_emb_norm.weight",
       {"model.multi_modal_projector.mm_soft_emb_norm.weight"}},
  };
  for (const NameCase& named : cases) {
    const std::vector<StoredName> found = StoredNames(named.place, named.canonical);
    ASSERT_FALSE(found.empty()) << named.canonical;
    EXPECT_EQ(found[0].name, named.stored.name);
    EXPECT_EQ(found[0].block, named.stored.block) << named.canonical;
    EXPECT_EQ(found[0].blocks, named.stored.blocks) << named.canonical;
    EXPECT_EQ(found[0].leading_one, named.stored.leading_one) << named.canonical;
  }
}

TEST(NameMap, TutorialNamesAreAlternatives) {
  const Place tower = {Part::kVision, NamingScheme::kTutorial, "vision_model."};
  const auto norm = StoredNames(tower, "vision_model.post_layernorm.weight");
  ASSERT_EQ(norm.size(), 2U);
  EXPECT_EQ(norm[0].name, "vision_model.post_layernorm.weight");
  EXPECT_EQ(norm[1].name, "vision_model.post_layer_norm.weight");
  const auto position = StoredNames(tower, "vision_model.embeddings.position_embedding.weight");
  ASSERT_EQ(position.size(), 2U);
  EXPECT_EQ(position[1].name, "vision_model.embeddings.position_embeddings.weight");
}

TEST(NameMap, NamesThatAreNotCanonicalHaveNoStoredName) {
  const Place bare = {Part::kVision, NamingScheme::kHuggingFace, ""};
  const Place timm = {Part::kVision, NamingScheme::kTimm, ""};
  const Place open_clip_text = {Part::kText, NamingScheme::kOpenClip, "text."};
  EXPECT_TRUE(StoredNames(bare, "text_model.x").empty());
  EXPECT_TRUE(StoredNames(timm, "vision_model.nonsense").empty());
  EXPECT_TRUE(StoredNames(timm, "vision_model.encoder.layers.0").empty());
  EXPECT_TRUE(StoredNames(open_clip_text, "vision_model.post_layernorm.weight").empty());
  EXPECT_TRUE(StoredNames(open_clip_text, "text_model.encoder.layers.0.x").empty());
}

TEST(NameMap, PartsOfCanonicalNames) {
  for (Part part : kAllParts) EXPECT_EQ(PartOf(ExampleOf(part)), part) << ToString(part);
  EXPECT_EQ(PartOf("logit_bias"), Part::kLogits);
  EXPECT_EQ(PartOf("text_model.head.bias"), Part::kText);
  EXPECT_EQ(PartOf("multi_modal_projector.mm_input_projection_weight"), Part::kProjector);
  EXPECT_EQ(PartOf("language_model.norm.weight"), std::nullopt);
  EXPECT_EQ(PartOf(""), std::nullopt);
}

TEST(NameMap, TransformersPacksThePoolingHead) {
  EXPECT_EQ(TransformersName("vision_model.head.attention.v_proj.bias").name,
            "vision_model.head.attention.in_proj_bias");
  EXPECT_EQ(TransformersName("vision_model.head.attention.v_proj.bias").block, 2);
  EXPECT_EQ(TransformersName("text_model.head.weight").name, "text_model.head.weight");
  EXPECT_EQ(TransformersName("logit_scale").name, "logit_scale");
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
    const std::vector<Place> towers = FindPlaces(Part::kVision, expected.stored);
    ASSERT_EQ(towers.size(), 1U) << *expected.stored.begin();
    EXPECT_EQ(ToString(towers[0].scheme), ToString(expected.scheme)) << *expected.stored.begin();
    EXPECT_EQ(towers[0].prefix, expected.prefix);
  }
  EXPECT_TRUE(
      FindPlaces(Part::kVision, {"text_model.encoder.layers.0.layer_norm1.weight", "logit_scale"})
          .empty());
  EXPECT_TRUE(FindPlaces(Part::kVision, {"xembeddings.patch_embedding.weight"}).empty());
  EXPECT_EQ(FindPlaces(Part::kVision, {"a." + patch, "b." + patch}).size(), 2U);
}

TEST(NameMap, RecognisesTheOtherParts) {
  struct Case {
    Part part;
    NameSet stored;
    NamingScheme scheme;
    std::string prefix;
  };
  const std::string token = "embeddings.token_embedding.weight";
  const std::vector<Case> cases = {
      {Part::kText, {token}, NamingScheme::kHuggingFace, ""},
      {Part::kText, {"text_model." + token}, NamingScheme::kHuggingFace, "text_model."},
      {Part::kText,
       {"text_model.final_layer_norm.bias"},
       NamingScheme::kHuggingFace,
       "text_model."},
      {Part::kText,
       {"text.token_embedding.weight", "text.positional_embedding", "text.ln_final.weight"},
       NamingScheme::kOpenClip,
       "text."},
      {Part::kLogits, {"logit_scale", "logit_bias"}, NamingScheme::kHuggingFace, ""},
      {Part::kLogits, {"logit_bias"}, NamingScheme::kHuggingFace, ""},
      {Part::kClassifier, {"classifier.bias"}, NamingScheme::kHuggingFace, ""},
      {Part::kProjector, {"multi_modal_projector.linear.weight"}, NamingScheme::kHuggingFace, ""},
      {Part::kProjector,
       {"model.multi_modal_projector.mm_input_projection_weight",
        "model.multi_modal_projector.mm_soft_emb_norm.weight"},
       NamingScheme::kVisionLanguage,
       "model."},
  };
  for (const Case& expected : cases) {
    SCOPED_TRACE(*expected.stored.begin());
    const std::vector<Place> places = FindPlaces(expected.part, expected.stored);
    ASSERT_EQ(places.size(), 1U);
    EXPECT_EQ(places[0].part, expected.part);
    EXPECT_EQ(ToString(places[0].scheme), ToString(expected.scheme));
    EXPECT_EQ(places[0].prefix, expected.prefix);
  }
  const NameSet vision = {"vision_model.embeddings.patch_embedding.weight",
                          "vision_model.post_layernorm.weight",
                          "vision_model.embeddings.position_embedding.weight",
                          "language_model.model.embed_tokens.weight", "not_logit_scale"};
  for (Part part : {Part::kText, Part::kLogits, Part::kClassifier, Part::kProjector}) {
    EXPECT_TRUE(FindPlaces(part, vision).empty()) << ToString(part);
  }
}

TEST(NameMap, RolesOfNamesNobodyAskedFor) {
  const Place full = {Part::kVision, NamingScheme::kHuggingFace, "vision_model."};
  EXPECT_EQ(RoleOf(full, "text_model.head.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(full, "logit_scale"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(full, "classifier.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(full, "vision_model.embeddings.position_ids"), NameRole::kBuffer);
  EXPECT_EQ(RoleOf(full, "vision_model.head.probe"), NameRole::kHead);
  EXPECT_EQ(RoleOf(full, "vision_model.cls_token"), NameRole::kPart);
  const Place bare = {Part::kVision, NamingScheme::kHuggingFace, ""};
  EXPECT_EQ(RoleOf(bare, "logit_bias"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(bare, "classifier.bias"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(bare, "encoder.layers.9.extra"), NameRole::kPart);
  EXPECT_EQ(RoleOf(bare, "head.probe"), NameRole::kHead);
  const Place vlm = {Part::kVision, NamingScheme::kVisionLanguage, "vision_tower."};
  EXPECT_EQ(RoleOf(vlm, "multi_modal_projector.linear.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(vlm, "language_model.model.norm.weight"), NameRole::kForeign);
  const Place timm = {Part::kVision, NamingScheme::kTimm, ""};
  EXPECT_EQ(RoleOf(timm, "head.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(timm, "attn_pool.latent"), NameRole::kHead);
  EXPECT_EQ(RoleOf(timm, "blocks.0.ls1.gamma"), NameRole::kPart);
  EXPECT_EQ(RoleOf(timm, "cls_token"), NameRole::kPart);
  const Place open_clip = {Part::kVision, NamingScheme::kOpenClip, "visual.trunk."};
  EXPECT_EQ(RoleOf(open_clip, "text.token_embedding.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(open_clip, "visual.head.proj.weight"), NameRole::kPart);
}

TEST(NameMap, RolesBesideTheOtherParts) {
  const Place text = {Part::kText, NamingScheme::kHuggingFace, "text_model."};
  EXPECT_EQ(RoleOf(text, "vision_model.head.probe"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(text, "logit_scale"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(text, "text_model.embeddings.position_ids"), NameRole::kBuffer);
  EXPECT_EQ(RoleOf(text, "text_model.head.weight"), NameRole::kHead);
  EXPECT_EQ(RoleOf(text, "text_model.extra"), NameRole::kPart);
  const Place bare = {Part::kText, NamingScheme::kHuggingFace, ""};
  EXPECT_EQ(RoleOf(bare, "logit_scale"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(bare, "vision_model.post_layernorm.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(bare, "encoder.layers.5.extra"), NameRole::kPart);
  const Place open_clip = {Part::kText, NamingScheme::kOpenClip, "text."};
  EXPECT_EQ(RoleOf(open_clip, "visual.trunk.norm.weight"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(open_clip, "logit_bias"), NameRole::kForeign);
  EXPECT_EQ(RoleOf(open_clip, "text.text_projection.bias"), NameRole::kHead);
  EXPECT_EQ(RoleOf(open_clip, "text.attn_mask"), NameRole::kPart);
  const Place logits = {Part::kLogits, NamingScheme::kHuggingFace, ""};
  EXPECT_EQ(RoleOf(logits, "logit_bias"), NameRole::kPart);
  EXPECT_EQ(RoleOf(logits, "text_model.head.bias"), NameRole::kForeign);
  const Place projector = {Part::kProjector, NamingScheme::kVisionLanguage, "model."};
  EXPECT_EQ(RoleOf(projector, "model.multi_modal_projector.extra"), NameRole::kPart);
  EXPECT_EQ(RoleOf(projector, "model.vision_tower.extra"), NameRole::kForeign);
}

}  // namespace
}  // namespace siglip
