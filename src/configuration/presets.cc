// Configurations of the public checkpoints. See siglip/checkpoint.hpp.
#include <algorithm>
#include <array>
#include <string_view>

#include "base/json.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

struct Size {
  int64_t hidden;
  int64_t layers;
  int64_t heads;
  int64_t intermediate;
};

constexpr Size kBase = {768, 12, 12, 3072};
constexpr Size kLarge = {1024, 24, 16, 4096};
constexpr Size kSo400m = {1152, 27, 16, 4304};
constexpr Size kGiantOpt = {1536, 40, 16, 6144};

// Pillow's numbers: SigLIP and PaliGemma resize bicubically, SigLIP 2, Gemma 3 and MedSigLIP
// bilinearly.
constexpr int kBilinear = 2;
constexpr int kBicubic = 3;

struct Preset {
  std::string_view name;
  Size size;
  int64_t patch;
  int64_t image;
  int resample;
  bool has_head = true;
  int64_t image_tokens = 0;  // 0: the field is left out
};

constexpr std::array<Preset, 30> kPresets = {{
    {"base-patch16-224", kBase, 16, 224, kBicubic},
    {"base-patch16-256", kBase, 16, 256, kBicubic},
    {"base-patch16-256-multilingual", kBase, 16, 256, kBicubic},
    {"base-patch16-384", kBase, 16, 384, kBicubic},
    {"base-patch16-512", kBase, 16, 512, kBicubic},
    {"large-patch16-256", kLarge, 16, 256, kBicubic},
    {"large-patch16-384", kLarge, 16, 384, kBicubic},
    {"so400m-patch14-224", kSo400m, 14, 224, kBicubic},
    {"so400m-patch14-384", kSo400m, 14, 384, kBicubic},
    {"so400m-patch16-256-i18n", kSo400m, 16, 256, kBicubic},
    {"siglip2-base-patch16-224", kBase, 16, 224, kBilinear},
    {"siglip2-base-patch16-256", kBase, 16, 256, kBilinear},
    {"siglip2-base-patch16-384", kBase, 16, 384, kBilinear},
    {"siglip2-base-patch16-512", kBase, 16, 512, kBilinear},
    {"siglip2-base-patch32-256", kBase, 32, 256, kBilinear},
    {"siglip2-large-patch16-256", kLarge, 16, 256, kBilinear},
    {"siglip2-large-patch16-384", kLarge, 16, 384, kBilinear},
    {"siglip2-large-patch16-512", kLarge, 16, 512, kBilinear},
    {"siglip2-so400m-patch14-224", kSo400m, 14, 224, kBilinear},
    {"siglip2-so400m-patch14-384", kSo400m, 14, 384, kBilinear},
    {"siglip2-so400m-patch16-256", kSo400m, 16, 256, kBilinear},
    {"siglip2-so400m-patch16-384", kSo400m, 16, 384, kBilinear},
    {"siglip2-so400m-patch16-512", kSo400m, 16, 512, kBilinear},
    {"siglip2-giant-opt-patch16-256", kGiantOpt, 16, 256, kBilinear},
    {"siglip2-giant-opt-patch16-384", kGiantOpt, 16, 384, kBilinear},
    {"medsiglip-448", kSo400m, 14, 448, kBilinear},
    {"gemma3-896", kSo400m, 14, 896, kBilinear, false},
    {"paligemma-224", kSo400m, 14, 224, kBicubic, false, 256},
    {"paligemma-448", kSo400m, 14, 448, kBicubic, false, 1024},
    {"paligemma-896", kSo400m, 14, 896, kBicubic, false, 4096},
}};

/// Patches of 16 pixels, a table of 16 x 16 positions, bilinear resizing.
struct NaflexPreset {
  std::string_view name;
  Size size;
};

constexpr std::array<NaflexPreset, 2> kNaflexPresets = {{
    {"siglip2-base-patch16-naflex", kBase},
    {"siglip2-so400m-patch16-naflex", kSo400m},
}};

template <class Presets>
auto* FindIn(const Presets& presets, const std::string& name) {
  const auto found = std::ranges::find(presets, name, &Presets::value_type::name);
  return found == presets.end() ? nullptr : &*found;
}

template <class Presets>
std::vector<std::string> NamesOf(const Presets& presets) {
  std::vector<std::string> names;
  for (const auto& preset : presets) names.emplace_back(preset.name);
  return names;
}

Error UnknownPreset(const std::string& name) {
  std::string known;
  for (const auto& names : {PresetNames(), Siglip2PresetNames()}) {
    for (const std::string& preset : names) known += (known.empty() ? "" : ", ") + preset;
  }
  return Error(ErrorCode::kInvalidArgument,
               "unknown preset " + Quoted(name) + ": expected one of " + known);
}

void SetSize(const Size& size, SiglipEncoderConfig& config) {
  config.hidden_size = size.hidden;
  config.num_hidden_layers = size.layers;
  config.num_attention_heads = size.heads;
  config.intermediate_size = size.intermediate;
}

}  // namespace

std::vector<std::string> PresetNames() { return NamesOf(kPresets); }
std::vector<std::string> Siglip2PresetNames() { return NamesOf(kNaflexPresets); }

SiglipVisionConfig PresetConfig(const std::string& name) {
  const Preset* preset = FindIn(kPresets, name);
  if (preset == nullptr) throw UnknownPreset(name);
  SiglipVisionConfig config;
  SetSize(preset->size, config);
  config.patch_size = preset->patch;
  config.image_size = preset->image;
  config.vision_use_head = preset->has_head;
  if (preset->image_tokens != 0) config.num_image_tokens = preset->image_tokens;
  return config;
}

Siglip2VisionConfig Siglip2PresetConfig(const std::string& name) {
  const NaflexPreset* preset = FindIn(kNaflexPresets, name);
  if (preset == nullptr) throw UnknownPreset(name);
  Siglip2VisionConfig config;
  SetSize(preset->size, config);
  config.vision_use_head = true;
  return config;
}

std::string PresetPreprocessorJson(const std::string& name) {
  const std::vector<double> half = {0.5, 0.5, 0.5};
  Json json = {{"do_convert_rgb", true}, {"do_resize", true},
               {"do_rescale", true},     {"rescale_factor", 1.0 / 255.0},
               {"do_normalize", true},   {"image_mean", half},
               {"image_std", half}};
  if (FindIn(kNaflexPresets, name) != nullptr) {
    const Siglip2VisionConfig config = Siglip2PresetConfig(name);
    json["image_processor_type"] = "Siglip2ImageProcessor";
    json["resample"] = kBilinear;
    json["patch_size"] = config.patch_size;
    json["max_num_patches"] = config.num_patches;
  } else if (const Preset* preset = FindIn(kPresets, name)) {
    json["image_processor_type"] = "SiglipImageProcessor";
    json["resample"] = preset->resample;
    json["size"] = {{"height", preset->image}, {"width", preset->image}};
  } else {
    throw UnknownPreset(name);
  }
  return json.dump(2) + "\n";
}

}  // namespace siglip
