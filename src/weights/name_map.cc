// See name_map.h.
#include "weights/name_map.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "weights/big_vision_names.h"

namespace siglip {
namespace {

/// How the canonical names of a part are made: the root, which the prefix of a place stands for,
/// and what always follows it.
struct PartNames {
  Part part;
  std::string_view title;
  std::string_view root;
  std::string_view marker;
  std::string_view example;
};

constexpr std::array<PartNames, 5> kPartNames = {{
    {Part::kVision, "image tower", "vision_model.", "",
     "vision_model.embeddings.patch_embedding.weight"},
    {Part::kText, "text tower", "text_model.", "", "text_model.embeddings.token_embedding.weight"},
    {Part::kLogits, "logit scale and bias", "", "logit_", "logit_scale"},
    {Part::kClassifier, "classifier", "", "classifier.", "classifier.weight"},
    {Part::kProjector, "projector", "", "multi_modal_projector.",
     "multi_modal_projector.linear.weight"},
}};

const PartNames& NamesOf(Part part) { return kPartNames[static_cast<size_t>(part)]; }

/// A rewriting of the beginning (or, between layers, of the middle) of a canonical name.
struct Rule {
  std::string_view canonical;
  std::string_view stored;
  int block = 0;
  int blocks = 1;
  bool leading_one = false;
};
using Rules = std::span<const Rule>;

/// Only what Hugging Face stores differently from the canonical names.
constexpr std::array<Rule, 6> kHuggingFaceRules = {{
    {"head.attention.q_proj.weight", "head.attention.in_proj_weight", 0, 3},
    {"head.attention.k_proj.weight", "head.attention.in_proj_weight", 1, 3},
    {"head.attention.v_proj.weight", "head.attention.in_proj_weight", 2, 3},
    {"head.attention.q_proj.bias", "head.attention.in_proj_bias", 0, 3},
    {"head.attention.k_proj.bias", "head.attention.in_proj_bias", 1, 3},
    {"head.attention.v_proj.bias", "head.attention.in_proj_bias", 2, 3},
}};

/// Attribute names of the tutorial, tried after Hugging Face's.
constexpr std::array<Rule, 2> kTutorialRules = {{
    {"embeddings.position_embedding.", "embeddings.position_embeddings."},
    {"post_layernorm.", "post_layer_norm."},
}};

constexpr std::array<Rule, 10> kTimmRules = {{
    {"embeddings.patch_embedding.", "patch_embed.proj."},
    {"embeddings.position_embedding.weight", "pos_embed", 0, 1, true},
    {"post_layernorm.", "norm."},
    {"head.probe", "attn_pool.latent"},
    {"head.attention.q_proj.", "attn_pool.q."},
    {"head.attention.k_proj.", "attn_pool.kv.", 0, 2},
    {"head.attention.v_proj.", "attn_pool.kv.", 1, 2},
    {"head.attention.out_proj.", "attn_pool.proj."},
    {"head.layernorm.", "attn_pool.norm."},
    {"head.mlp.", "attn_pool.mlp."},
}};
constexpr std::string_view kTimmLayers = "blocks.";
/// After "blocks.I.".
constexpr std::array<Rule, 7> kTimmLayerRules = {{
    {"layer_norm1.", "norm1."},
    {"layer_norm2.", "norm2."},
    {"self_attn.q_proj.", "attn.qkv.", 0, 3},
    {"self_attn.k_proj.", "attn.qkv.", 1, 3},
    {"self_attn.v_proj.", "attn.qkv.", 2, 3},
    {"self_attn.out_proj.", "attn.proj."},
    {"mlp.", "mlp."},
}};

/// The image tower of llama.cpp's multimodal projector files; all names begin with "v.".
constexpr std::string_view kGgufPrefix = "v.";
constexpr std::array<Rule, 3> kGgufRules = {{
    {"embeddings.patch_embedding.", "patch_embd."},
    {"embeddings.position_embedding.", "position_embd."},
    {"post_layernorm.", "post_ln."},
}};
constexpr std::string_view kGgufLayers = "blk.";
/// After "blk.I.".
constexpr std::array<Rule, 8> kGgufLayerRules = {{
    {"layer_norm1.", "ln1."},
    {"layer_norm2.", "ln2."},
    {"self_attn.q_proj.", "attn_q."},
    {"self_attn.k_proj.", "attn_k."},
    {"self_attn.v_proj.", "attn_v."},
    {"self_attn.out_proj.", "attn_out."},
    {"mlp.fc1.", "ffn_up."},
    {"mlp.fc2.", "ffn_down."},
}};
/// Older files have these two the other way round.
constexpr std::array<Rule, 2> kGgufSwappedLayerRules = {{
    {"mlp.fc1.", "ffn_down."},
    {"mlp.fc2.", "ffn_up."},
}};

/// The text tower of open_clip.
constexpr std::array<Rule, 4> kOpenClipTextRules = {{
    {"embeddings.token_embedding.weight", "token_embedding.weight"},
    {"embeddings.position_embedding.weight", "positional_embedding"},
    {"final_layer_norm.", "ln_final."},
    {"head.", "text_projection."},
}};
constexpr std::string_view kOpenClipTextLayers = "transformer.resblocks.";
/// After "transformer.resblocks.I.".
constexpr std::array<Rule, 11> kOpenClipTextLayerRules = {{
    {"layer_norm1.", "ln_1."},
    {"layer_norm2.", "ln_2."},
    {"self_attn.q_proj.weight", "attn.in_proj_weight", 0, 3},
    {"self_attn.k_proj.weight", "attn.in_proj_weight", 1, 3},
    {"self_attn.v_proj.weight", "attn.in_proj_weight", 2, 3},
    {"self_attn.q_proj.bias", "attn.in_proj_bias", 0, 3},
    {"self_attn.k_proj.bias", "attn.in_proj_bias", 1, 3},
    {"self_attn.v_proj.bias", "attn.in_proj_bias", 2, 3},
    {"self_attn.out_proj.", "attn.out_proj."},
    {"mlp.fc1.", "mlp.c_fc."},
    {"mlp.fc2.", "mlp.c_proj."},
}};

using Anchors = std::span<const std::string_view>;

/// Names by which a part is recognised, the surest first; the others serve files that lack it, so
/// that the error can say what is missing.
constexpr std::array<std::string_view, 8> kVisionAnchors = {"embeddings.patch_embedding.weight",
                                                            "embeddings.patch_embedding.bias",
                                                            "post_layernorm.weight",
                                                            "post_layernorm.bias",
                                                            "post_layer_norm.weight",
                                                            "post_layer_norm.bias",
                                                            "embeddings.position_embeddings.weight",
                                                            "head.probe"};
constexpr std::array<std::string_view, 4> kTimmAnchors = {
    "patch_embed.proj.weight", "patch_embed.proj.bias", "pos_embed", "attn_pool.latent"};
constexpr std::array<std::string_view, 3> kGgufAnchors = {"v.patch_embd.weight",
                                                          "v.patch_embd.bias", "v.post_ln.weight"};
constexpr std::array<std::string_view, 3> kTextAnchors = {
    "embeddings.token_embedding.weight", "final_layer_norm.weight", "final_layer_norm.bias"};
constexpr std::array<std::string_view, 2> kOpenClipTextAnchors = {"ln_final.weight",
                                                                  "ln_final.bias"};
constexpr std::array<std::string_view, 2> kLogitsAnchors = {"logit_scale", "logit_bias"};
constexpr std::array<std::string_view, 2> kClassifierAnchors = {"classifier.weight",
                                                                "classifier.bias"};
constexpr std::array<std::string_view, 4> kProjectorAnchors = {
    "multi_modal_projector.linear.weight", "multi_modal_projector.linear.bias",
    "multi_modal_projector.mm_input_projection_weight",
    "multi_modal_projector.mm_soft_emb_norm.weight"};

/// Roots of what may lie beside a tower that has no prefix of its own.
constexpr std::array<std::string_view, 9> kForeignRoots = {"vision_model.",
                                                           "text_model.",
                                                           "logit_scale",
                                                           "logit_bias",
                                                           "classifier.",
                                                           "visual.",
                                                           "multi_modal_projector.",
                                                           "language_model.",
                                                           "lm_head."};

std::optional<StoredName> Apply(Rules rules, std::string_view canonical,
                                const std::string& prefix) {
  for (const Rule& rule : rules) {
    if (!canonical.starts_with(rule.canonical)) continue;
    const std::string rest(canonical.substr(rule.canonical.size()));
    return StoredName{prefix + std::string(rule.stored) + rest, rule.block, rule.blocks,
                      rule.leading_one};
  }
  return std::nullopt;
}

/// A scheme with names of its own throughout: `rules` outside the layers, `layer_rules` after
/// "LAYERS.I.".
std::optional<StoredName> Translate(Rules rules, std::string_view layers, Rules layer_rules,
                                    std::string_view canonical, const std::string& prefix) {
  if (!canonical.starts_with(kCanonicalLayers)) return Apply(rules, canonical, prefix);
  canonical.remove_prefix(kCanonicalLayers.size());
  const size_t dot = canonical.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string layer = std::string(layers) + std::string(canonical.substr(0, dot + 1));
  return Apply(layer_rules, canonical.substr(dot + 1), prefix + layer);
}

bool IsHuggingFace(NamingScheme scheme) {
  return scheme == NamingScheme::kHuggingFace || scheme == NamingScheme::kTutorial ||
         scheme == NamingScheme::kVisionLanguage;
}

/// The names in a scheme that is not a variation of Hugging Face's; `canonical` has no root.
std::vector<StoredName> NamesOfOwnScheme(const Place& place, std::string_view canonical) {
  std::vector<StoredName> names;
  const auto add = [&](std::optional<StoredName> name) {
    if (name) names.push_back(std::move(*name));
  };
  if (place.scheme == NamingScheme::kBigVision) {
    add(BigVisionName(place, canonical));
  } else if (place.scheme == NamingScheme::kGguf) {
    add(Translate(kGgufRules, kGgufLayers, kGgufLayerRules, canonical, place.prefix));
    add(Translate({}, kGgufLayers, kGgufSwappedLayerRules, canonical, place.prefix));
  } else if (place.part == Part::kText) {
    add(Translate(kOpenClipTextRules, kOpenClipTextLayers, kOpenClipTextLayerRules, canonical,
                  place.prefix));
  } else {
    add(Translate(kTimmRules, kTimmLayers, kTimmLayerRules, canonical, place.prefix));
  }
  return names;
}

NamingScheme HuggingFaceScheme(Part part, const std::string& prefix, const NameSet& stored) {
  for (const Rule& rule : kTutorialRules) {
    if (part != Part::kVision) break;
    const auto first = stored.lower_bound(prefix + std::string(rule.stored));
    if (first != stored.end() && first->starts_with(prefix + std::string(rule.stored))) {
      return NamingScheme::kTutorial;
    }
  }
  return prefix.empty() || prefix == NamesOf(part).root ? NamingScheme::kHuggingFace
                                                        : NamingScheme::kVisionLanguage;
}

Anchors HuggingFaceAnchors(Part part) {
  switch (part) {
    case Part::kVision: return kVisionAnchors;
    case Part::kText: return kTextAnchors;
    case Part::kLogits: return kLogitsAnchors;
    case Part::kClassifier: return kClassifierAnchors;
    case Part::kProjector: return kProjectorAnchors;
  }
  return {};
}

}  // namespace

std::string_view ToString(Part part) { return NamesOf(part).title; }
std::string_view ExampleOf(Part part) { return NamesOf(part).example; }

std::optional<Part> PartOf(std::string_view canonical) {
  for (const PartNames& names : kPartNames) {
    if (canonical.starts_with(names.root) &&
        canonical.substr(names.root.size()).starts_with(names.marker)) {
      return names.part;
    }
  }
  return std::nullopt;
}

std::string_view ToString(NamingScheme scheme) {
  switch (scheme) {
    case NamingScheme::kHuggingFace: return "Hugging Face";
    case NamingScheme::kTutorial: return "tutorial";
    case NamingScheme::kVisionLanguage: return "vision-language model";
    case NamingScheme::kTimm: return "timm";
    case NamingScheme::kOpenClip: return "open_clip";
    case NamingScheme::kBigVision: return "big_vision";
    case NamingScheme::kGguf: return "GGUF";
  }
  return "unknown";
}

std::vector<std::string> PrefixesOf(std::span<const std::string_view> anchors, char separator,
                                    const NameSet& stored) {
  std::vector<std::string> prefixes;
  for (std::string_view anchor : anchors) {
    for (const std::string& name : stored) {
      if (!name.ends_with(anchor)) continue;
      const std::string prefix = name.substr(0, name.size() - anchor.size());
      if (prefix.empty() || prefix.ends_with(separator)) prefixes.push_back(prefix);
    }
    if (!prefixes.empty()) break;
  }
  return prefixes;
}

std::vector<Place> FindPlaces(Part part, const NameSet& stored) {
  std::vector<Place> places;
  for (const std::string& prefix : PrefixesOf(HuggingFaceAnchors(part), '.', stored)) {
    places.push_back({part, HuggingFaceScheme(part, prefix, stored), prefix});
  }
  if (part == Part::kVision) {
    for (const std::string& prefix : PrefixesOf(kTimmAnchors, '.', stored)) {
      const bool open_clip = prefix.ends_with("visual.trunk.");
      places.push_back({part, open_clip ? NamingScheme::kOpenClip : NamingScheme::kTimm, prefix});
    }
  }
  if (part == Part::kText) {
    for (const std::string& prefix : PrefixesOf(kOpenClipTextAnchors, '.', stored)) {
      places.push_back({part, NamingScheme::kOpenClip, prefix});
    }
  }
  const bool is_gguf = std::any_of(kGgufAnchors.begin(), kGgufAnchors.end(),
                                   [&](auto anchor) { return stored.contains(anchor); });
  if (part == Part::kVision && is_gguf) {
    places.push_back({part, NamingScheme::kGguf, std::string(kGgufPrefix)});
  }
  for (Place& place : FindBigVisionPlaces(part, stored)) places.push_back(std::move(place));
  return places;
}

std::vector<StoredName> StoredNames(const Place& place, std::string_view canonical) {
  if (PartOf(canonical) != place.part) return {};
  const std::string_view name = canonical.substr(NamesOf(place.part).root.size());
  if (!IsHuggingFace(place.scheme)) return NamesOfOwnScheme(place, name);
  std::vector<StoredName> names;
  if (place.part == Part::kVision) {
    const auto packed = Apply(kHuggingFaceRules, name, place.prefix);
    if (packed) names.push_back(*packed);
  }
  if (names.empty()) names.push_back({place.prefix + std::string(name)});
  if (place.part == Part::kVision) {
    if (auto alias = Apply(kTutorialRules, name, place.prefix)) names.push_back(std::move(*alias));
  }
  return names;
}

StoredName TransformersName(const std::string& canonical) {
  const std::optional<Part> part = PartOf(canonical);
  if (!part) return {canonical};
  return StoredNames({*part, NamingScheme::kHuggingFace, std::string(NamesOf(*part).root)},
                     canonical)
      .front();
}

NameRole RoleOf(const Place& place, std::string_view stored) {
  if (place.scheme == NamingScheme::kBigVision) return BigVisionRole(place, stored);
  // Beside open_clip's trunk only "visual.head" can stand: a projection after the tower.
  std::string_view own = place.prefix;
  if (own.ends_with("visual.trunk.")) own.remove_suffix(std::string_view("trunk.").size());
  if (!stored.starts_with(own)) return NameRole::kForeign;
  if (!stored.starts_with(place.prefix)) return NameRole::kPart;
  stored.remove_prefix(place.prefix.size());
  const std::string_view marker = NamesOf(place.part).marker;
  if (!marker.empty()) return stored.starts_with(marker) ? NameRole::kPart : NameRole::kForeign;
  if (place.prefix.empty()) {
    for (std::string_view root : kForeignRoots) {
      if (stored.starts_with(root)) return NameRole::kForeign;
    }
  }
  if (stored.ends_with("position_ids")) return NameRole::kBuffer;
  if (place.scheme == NamingScheme::kGguf) return NameRole::kPart;
  if (IsHuggingFace(place.scheme)) {
    return stored.starts_with("head.") ? NameRole::kHead : NameRole::kPart;
  }
  if (place.part == Part::kText) {
    return stored.starts_with("text_projection.") ? NameRole::kHead : NameRole::kPart;
  }
  if (stored.starts_with("head.")) return NameRole::kForeign;  // timm's classifier
  return stored.starts_with("attn_pool.") ? NameRole::kHead : NameRole::kPart;
}

}  // namespace siglip
