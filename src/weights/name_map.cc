// See name_map.h.
#include "weights/name_map.h"

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

namespace siglip {
namespace {

/// A rewriting of the beginning (or, between layers, of the middle) of a canonical name.
struct Rule {
  std::string_view canonical;
  std::string_view stored;
  int block = 0;
  int blocks = 1;
  bool leading_one = false;
};

constexpr std::string_view kCanonicalPrefix = "vision_model.";
constexpr std::string_view kCanonicalLayers = "encoder.layers.";

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

constexpr std::array<Rule, 9> kTimmRules = {{
    {"embeddings.patch_embedding.", "patch_embed.proj."},
    {"embeddings.position_embedding.weight", "pos_embed", 0, 1, true},
    {"post_layernorm.", "norm."},
    {"head.probe", "attn_pool.latent"},
    {"head.attention.q_proj.", "attn_pool.q."},
    {"head.attention.k_proj.", "attn_pool.kv.", 0, 2},
    {"head.attention.v_proj.", "attn_pool.kv.", 1, 2},
    {"head.attention.out_proj.", "attn_pool.proj."},
    {"head.layernorm.", "attn_pool.norm."},
}};
constexpr Rule kTimmHeadMlp = {"head.mlp.", "attn_pool.mlp."};

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

/// Names by which a tower is recognised, the surest first; the others serve files that lack it, so
/// that the error can say what is missing.
constexpr std::array<std::string_view, 8> kHuggingFaceAnchors = {
    "embeddings.patch_embedding.weight",
    "embeddings.patch_embedding.bias",
    "post_layernorm.weight",
    "post_layernorm.bias",
    "post_layer_norm.weight",
    "post_layer_norm.bias",
    "embeddings.position_embeddings.weight",
    "head.probe"};
constexpr std::array<std::string_view, 4> kTimmAnchors = {
    "patch_embed.proj.weight", "patch_embed.proj.bias", "pos_embed", "attn_pool.latent"};

/// Roots of what may lie beside a tower that has no prefix of its own.
constexpr std::array<std::string_view, 7> kForeignRoots = {
    "text_model.",     "logit_scale", "logit_bias", "classifier.", "multi_modal_projector.",
    "language_model.", "lm_head."};

template <size_t count>
std::optional<StoredName> Apply(const std::array<Rule, count>& rules, std::string_view canonical,
                                const std::string& prefix) {
  for (const Rule& rule : rules) {
    if (!canonical.starts_with(rule.canonical)) continue;
    const std::string rest(canonical.substr(rule.canonical.size()));
    return StoredName{prefix + std::string(rule.stored) + rest, rule.block, rule.blocks,
                      rule.leading_one};
  }
  return std::nullopt;
}

bool IsTimm(NamingScheme scheme) {
  return scheme == NamingScheme::kTimm || scheme == NamingScheme::kOpenClip;
}

std::optional<StoredName> TimmName(std::string_view canonical, const std::string& prefix) {
  if (!canonical.starts_with(kCanonicalLayers)) {
    const auto name = Apply(kTimmRules, canonical, prefix);
    return name ? name : Apply(std::array{kTimmHeadMlp}, canonical, prefix);
  }
  canonical.remove_prefix(kCanonicalLayers.size());
  const size_t dot = canonical.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string block = "blocks." + std::string(canonical.substr(0, dot + 1));
  return Apply(kTimmLayerRules, canonical.substr(dot + 1), prefix + block);
}

/// The prefixes before `anchor`, which must be a whole name or follow a dot.
std::vector<std::string> PrefixesOf(std::string_view anchor, const NameSet& stored) {
  std::vector<std::string> prefixes;
  for (const std::string& name : stored) {
    if (!name.ends_with(anchor)) continue;
    const std::string prefix = name.substr(0, name.size() - anchor.size());
    if (prefix.empty() || prefix.ends_with('.')) prefixes.push_back(prefix);
  }
  return prefixes;
}

NamingScheme HuggingFaceScheme(const std::string& prefix, const NameSet& stored) {
  for (const Rule& rule : kTutorialRules) {
    const auto first = stored.lower_bound(prefix + std::string(rule.stored));
    if (first != stored.end() && first->starts_with(prefix + std::string(rule.stored))) {
      return NamingScheme::kTutorial;
    }
  }
  return prefix.empty() || prefix == kCanonicalPrefix ? NamingScheme::kHuggingFace
                                                      : NamingScheme::kVisionLanguage;
}

}  // namespace

std::string_view ToString(NamingScheme scheme) {
  switch (scheme) {
    case NamingScheme::kHuggingFace: return "Hugging Face";
    case NamingScheme::kTutorial: return "tutorial";
    case NamingScheme::kVisionLanguage: return "vision-language model";
    case NamingScheme::kTimm: return "timm";
    case NamingScheme::kOpenClip: return "open_clip";
  }
  return "unknown";
}

std::vector<Tower> FindTowers(const NameSet& stored) {
  std::vector<Tower> towers;
  for (std::string_view anchor : kHuggingFaceAnchors) {
    for (const std::string& prefix : PrefixesOf(anchor, stored)) {
      towers.push_back({HuggingFaceScheme(prefix, stored), prefix});
    }
    if (!towers.empty()) break;
  }
  for (std::string_view anchor : kTimmAnchors) {
    const auto prefixes = PrefixesOf(anchor, stored);
    for (const std::string& prefix : prefixes) {
      const bool open_clip = prefix.ends_with("visual.trunk.");
      towers.push_back({open_clip ? NamingScheme::kOpenClip : NamingScheme::kTimm, prefix});
    }
    if (!prefixes.empty()) break;
  }
  return towers;
}

std::vector<StoredName> StoredNames(const Tower& tower, const std::string& canonical) {
  if (!canonical.starts_with(kCanonicalPrefix)) return {};
  const std::string_view name = std::string_view(canonical).substr(kCanonicalPrefix.size());
  if (IsTimm(tower.scheme)) {
    const auto stored = TimmName(name, tower.prefix);
    return stored ? std::vector<StoredName>{*stored} : std::vector<StoredName>{};
  }
  std::vector<StoredName> names;
  const auto packed = Apply(kHuggingFaceRules, name, tower.prefix);
  names.push_back(packed ? *packed : StoredName{tower.prefix + std::string(name)});
  if (auto alias = Apply(kTutorialRules, name, tower.prefix)) names.push_back(std::move(*alias));
  return names;
}

NameRole RoleOf(const Tower& tower, std::string_view stored) {
  // Beside open_clip's trunk only "visual.head" can stand: a projection after the tower.
  std::string_view own = tower.prefix;
  if (tower.scheme == NamingScheme::kOpenClip) own.remove_suffix(std::string_view("trunk.").size());
  if (!stored.starts_with(own)) return NameRole::kForeign;
  if (!stored.starts_with(tower.prefix)) return NameRole::kTower;
  stored.remove_prefix(tower.prefix.size());
  if (tower.prefix.empty()) {
    for (std::string_view root : kForeignRoots) {
      if (stored.starts_with(root)) return NameRole::kForeign;
    }
  }
  if (stored.ends_with("position_ids")) return NameRole::kBuffer;
  if (!IsTimm(tower.scheme))
    return stored.starts_with("head.") ? NameRole::kHead : NameRole::kTower;
  if (stored.starts_with("head.")) return NameRole::kForeign;  // timm's classifier
  return stored.starts_with("attn_pool.") ? NameRole::kHead : NameRole::kTower;
}

}  // namespace siglip
