// See big_vision_names.h.
#include "weights/big_vision_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace siglip {
namespace {

constexpr std::string_view kImage = "img/";
constexpr std::string_view kText = "txt/";

/// A module and what its weight is called: "scale" in a layer norm; elsewhere "kernel", which has
/// the inputs first and the outputs last.
struct Module {
  std::string_view canonical;
  std::string_view stored;
  bool is_norm = false;
};
using Modules = std::span<const Module>;

constexpr std::array<Module, 9> kVisionModules = {{
    {"embeddings.patch_embedding", "embedding"},
    {"post_layernorm", "Transformer/encoder_norm", true},
    {"head.attention.q_proj", "MAPHead_0/MultiHeadDotProductAttention_0/query"},
    {"head.attention.k_proj", "MAPHead_0/MultiHeadDotProductAttention_0/key"},
    {"head.attention.v_proj", "MAPHead_0/MultiHeadDotProductAttention_0/value"},
    {"head.attention.out_proj", "MAPHead_0/MultiHeadDotProductAttention_0/out"},
    {"head.layernorm", "MAPHead_0/LayerNorm_0", true},
    {"head.mlp.fc1", "MAPHead_0/MlpBlock_0/Dense_0"},
    {"head.mlp.fc2", "MAPHead_0/MlpBlock_0/Dense_1"},
}};
constexpr std::array<Module, 2> kTextModules = {{
    {"final_layer_norm", "Encoder_0/encoder_norm", true},
    {"head", "head"},
}};
constexpr std::array<Module, 8> kLayerModules = {{
    {"layer_norm1", "LayerNorm_0", true},
    {"layer_norm2", "LayerNorm_1", true},
    {"self_attn.q_proj", "MultiHeadDotProductAttention_0/query"},
    {"self_attn.k_proj", "MultiHeadDotProductAttention_0/key"},
    {"self_attn.v_proj", "MultiHeadDotProductAttention_0/value"},
    {"self_attn.out_proj", "MultiHeadDotProductAttention_0/out"},
    {"mlp.fc1", "MlpBlock_0/Dense_0"},
    {"mlp.fc2", "MlpBlock_0/Dense_1"},
}};

/// Tensors that are no module's weight or bias.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTensors = {{
    {"embeddings.position_embedding.weight", "pos_embedding"},
    {"embeddings.token_embedding.weight", "Embed_0/embedding"},
    {"head.probe", "MAPHead_0/probe"},
    {"logit_scale", "t"},
    {"logit_bias", "b"},
}};

constexpr std::array<std::string_view, 3> kImageTowerAnchors = {
    "embedding/kernel", "embedding/bias", "Transformer/encoder_norm/scale"};
constexpr std::array<std::string_view, 2> kTextTowerAnchors = {"Embed_0/embedding",
                                                               "Encoder_0/encoder_norm/scale"};

/// Where load_params of big_vision looks for parameters, in its order.
constexpr std::array<std::string_view, 2> kParameterRoots = {"params/", "opt/target/"};

std::string_view EncoderOf(Part part) {
  return part == Part::kText ? "Encoder_0/" : "Transformer/";
}

/// "encoderblock_I" for every layer I, or one "encoderblock" with all layers stacked.
bool HasStackedLayers(Part part, const std::string& prefix, const NameSet& stored) {
  const std::string layers = prefix + std::string(EncoderOf(part)) + "encoderblock/";
  const auto first = stored.lower_bound(layers);
  return first != stored.end() && first->starts_with(layers);
}

std::vector<std::string> KeepParameters(std::vector<std::string> prefixes) {
  for (std::string_view root : kParameterRoots) {
    std::vector<std::string> kept;
    std::copy_if(prefixes.begin(), prefixes.end(), std::back_inserter(kept),
                 [&](const std::string& prefix) { return prefix.starts_with(root); });
    if (!kept.empty()) return kept;
  }
  return prefixes;
}

std::vector<Place> FindTowers(Part part, std::span<const std::string_view> anchors,
                              const NameSet& stored) {
  std::vector<Place> places;
  for (const std::string& prefix : KeepParameters(PrefixesOf(anchors, '/', stored))) {
    places.push_back(
        {part, NamingScheme::kBigVision, prefix, HasStackedLayers(part, prefix, stored)});
  }
  return places;
}

/// Temperature and bias lie beside the towers.
std::vector<Place> FindLogits(const NameSet& stored) {
  for (const auto& [part, own] :
       {std::pair(Part::kVision, kImage), std::pair(Part::kText, kText)}) {
    for (const Place& tower : FindBigVisionPlaces(part, stored)) {
      if (!tower.prefix.ends_with(own)) continue;
      const std::string prefix = tower.prefix.substr(0, tower.prefix.size() - own.size());
      if (stored.contains(prefix + "t") || stored.contains(prefix + "b")) {
        return {{Part::kLogits, NamingScheme::kBigVision, prefix}};
      }
    }
  }
  return {};
}

std::optional<StoredName> ModuleName(Modules modules, std::string_view canonical,
                                     const std::string& prefix) {
  for (const Module& module : modules) {
    if (!canonical.starts_with(module.canonical)) continue;
    const std::string_view leaf = canonical.substr(module.canonical.size());
    StoredName stored{prefix + std::string(module.stored)};
    if (leaf == ".bias") {
      stored.name += "/bias";
    } else if (leaf == ".weight") {
      stored.name += module.is_norm ? "/scale" : "/kernel";
      if (!module.is_norm) stored.layout = Layout::kInputsFirst;
    } else {
      continue;
    }
    return stored;
  }
  return std::nullopt;
}

std::optional<StoredName> LayerName(const Place& place, std::string_view canonical) {
  canonical.remove_prefix(kCanonicalLayers.size());
  const size_t dot = canonical.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view index = canonical.substr(0, dot);
  const std::string encoder = place.prefix + std::string(EncoderOf(place.part));
  const std::string block =
      place.stacked ? "encoderblock/" : "encoderblock_" + std::string(index) + "/";
  auto stored = ModuleName(kLayerModules, canonical.substr(dot + 1), encoder + block);
  if (!stored || !place.stacked) return stored;
  int64_t layer = 0;
  const auto [rest, error] = std::from_chars(index.data(), index.data() + dot, layer);
  if (error != std::errc() || rest != index.data() + dot) return std::nullopt;
  stored->layer = layer;
  return stored;
}

std::optional<StoredName> NameWithoutLayout(const Place& place, std::string_view canonical) {
  if (canonical.starts_with(kCanonicalLayers)) return LayerName(place, canonical);
  for (const auto& [known, stored] : kTensors) {
    if (canonical == known) return StoredName{place.prefix + std::string(stored)};
  }
  const Modules modules = place.part == Part::kText ? Modules(kTextModules) : kVisionModules;
  return ModuleName(modules, canonical, place.prefix);
}

}  // namespace

std::vector<Place> FindBigVisionPlaces(Part part, const NameSet& stored) {
  switch (part) {
    case Part::kVision: return FindTowers(part, kImageTowerAnchors, stored);
    case Part::kText: return FindTowers(part, kTextTowerAnchors, stored);
    case Part::kLogits: return FindLogits(stored);
    case Part::kClassifier:
    case Part::kProjector: return {};
  }
  return {};
}

std::optional<StoredName> BigVisionName(const Place& place, std::string_view canonical) {
  auto stored = NameWithoutLayout(place, canonical);
  // Heads and their sizes, or the rows and columns of positions, are extents of their own.
  if (stored) stored->is_split = true;
  return stored;
}

NameRole BigVisionRole(const Place& place, std::string_view stored) {
  if (!stored.starts_with(place.prefix)) return NameRole::kForeign;
  stored.remove_prefix(place.prefix.size());
  if (place.part == Part::kLogits) {
    return stored == "t" || stored == "b" ? NameRole::kPart : NameRole::kForeign;
  }
  // After a pooling head, "head" projects what it gives; alone it is the projection of PaliGemma.
  const bool is_head = stored.starts_with("MAPHead_0/") || stored.starts_with("head/");
  return is_head ? NameRole::kHead : NameRole::kPart;
}

}  // namespace siglip
