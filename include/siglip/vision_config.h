// The configuration of the image tower.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "siglip/encoder_config.h"

namespace siglip {

/// What image towers of fixed and of variable resolution have in common.
struct SiglipVisionTowerConfig : SiglipEncoderConfig {
  int64_t num_channels = 3;
  int64_t patch_size = 16;  ///< Pixels a side of a patch.
  /// Whether there is a pooling head. Absent: decided by whether the checkpoint holds one.
  std::optional<bool> vision_use_head;
  /// Keys of the JSON this library does not know, with their values as JSON text.
  std::map<std::string, std::string> unknown;

  /// Values that the patch embedding reads for one token.
  int64_t patch_values() const { return num_channels * patch_size * patch_size; }
};

/// Fields and defaults of transformers' configuration_siglip.py (SiglipVisionConfig).
struct SiglipVisionConfig : SiglipVisionTowerConfig {
  int64_t image_size = 224;  ///< Pixels a side of the square input.
  std::optional<int64_t> num_image_tokens;

  /// floor(image_size / patch_size): the convolution is "valid".
  int64_t patches_per_side() const { return image_size / patch_size; }
  int64_t num_patches() const { return patches_per_side() * patches_per_side(); }

  /// Throws Error(kInvalidArgument) naming the field, its value and what is allowed: positive
  /// sizes, hidden_size divisible by num_attention_heads, patch_size <= image_size, a known
  /// hidden_act, finite positive layer_norm_eps, sizes whose products do not overflow.
  void Validate() const;

  /// From a JSON object holding these fields (the whole config.json of a vision-only checkpoint, or
  /// its "vision_config"). Fields left out take their defaults; unknown ones are kept in `unknown`.
  /// The result is validated. `name` is what errors call the source.
  static SiglipVisionConfig FromJson(std::string_view json, const std::string& name);
  /// A config.json for a vision-only checkpoint, as transformers writes it.
  std::string ToJson() const;
};

}  // namespace siglip
