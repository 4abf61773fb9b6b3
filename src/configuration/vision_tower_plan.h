// What an image tower is built from, of either resolution.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "siglip/transformers/configuration.hpp"
#include "siglip/transformers/resolution.hpp"
#include "weights/checkpoint.h"
#include "weights/weight_source.h"

namespace siglip {

/// The configuration of either kind of image tower.
using AnyVisionConfig = std::variant<SiglipVisionConfig, Siglip2VisionConfig>;

/// Of which kind a checkpoint is, as its configuration says or, where that is in the weights
/// themselves, these.
Resolution ResolutionOf(const Checkpoint& checkpoint);

/// That of a checkpoint, whichever kind it is of. Throws as LoadVisionConfig does.
AnyVisionConfig LoadAnyVisionConfig(const Checkpoint& checkpoint);

/// As the tower alone would have it, see SiglipVisionConfig::ToJson.
std::string ToJson(const AnyVisionConfig& config);

/// What both configurations come down to.
struct VisionTowerPlan {
  explicit VisionTowerPlan(const AnyVisionConfig& config);

  SiglipVisionTowerConfig config;
  Resolution resolution;
  int64_t positions_per_side;  ///< Of the table of position embeddings.
  int64_t image_size;          ///< Pixels a side of the pictures; 0 with variable resolution.

  bool has_head() const { return config.vision_use_head.value_or(true); }
};

/// Every tensor of the tower under its canonical name, in the order of the forward pass; the
/// pooling head's unless config.vision_use_head is false.
std::vector<TensorSpec> VisionTensors(const AnyVisionConfig& config);

}  // namespace siglip
