// The configuration of the image tower of SigLIP 2 NaFlex: pictures of any size and shape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "siglip/vision_config.h"

namespace siglip {

/// Fields and defaults of transformers' configuration_siglip2.py (Siglip2VisionConfig).
struct Siglip2VisionConfig : SiglipVisionTowerConfig {
  /// Entries of the square table of position embeddings, which is resized for every picture. It
  /// does not limit a picture's patches.
  int64_t num_patches = 256;

  /// Entries a side of the table.
  int64_t positions_per_side() const;

  /// Throws Error(kInvalidArgument) naming the field, its value and what is allowed: what
  /// SiglipVisionConfig::Validate asks for, and a square number of patches.
  void Validate() const;

  /// Whether a config.json is that of a NaFlex checkpoint: model_type siglip2, or a model whose
  /// "vision_config" is a siglip2_vision_model.
  static bool IsFor(std::string_view json, const std::string& name);
  /// From a JSON object holding these fields, or the config.json of a model with a "vision_config"
  /// that does. Fields left out take their defaults; unknown ones are kept in `unknown`. The result
  /// is validated. `name` is what errors call the source.
  static Siglip2VisionConfig FromJson(std::string_view json, const std::string& name);
  /// A config.json for a vision-only checkpoint, as transformers writes it.
  std::string ToJson() const;
};

}  // namespace siglip
