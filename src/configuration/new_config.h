// The configuration of a model that is not loaded but made anew.
#pragma once

namespace siglip {

/// Validated. A new image tower has a pooling head unless it is told otherwise.
template <class VisionConfig>
VisionConfig WithHeadDecided(const VisionConfig& config) {
  config.Validate();
  VisionConfig complete = config;
  complete.vision_use_head = config.vision_use_head.value_or(true);
  return complete;
}

}  // namespace siglip
