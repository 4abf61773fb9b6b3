// What a checkpoint's projector is: PaliGemma's or Gemma 3's, of which sizes.
#pragma once

#include <cstdint>
#include <vector>

#include "siglip/transformers/configuration.hpp"
#include "weights/checkpoint.h"
#include "weights/weight_source.h"

namespace siglip {

struct ProjectorPlan {
  bool is_gemma3 = false;
  int64_t kernel = 1;        ///< Patches a side of the squares that Gemma 3 averages.
  int64_t image_tokens = 0;  ///< Of one picture.
  int64_t width = 0;         ///< Of the language model.
  /// PaliGemma: weight [width, D] and bias [width]. Gemma 3: weight [D, width] and the gain of the
  /// RMS norm [D].
  std::vector<TensorSpec> tensors;
};

/// Throws Error for a configuration or shapes that do not fit together.
ProjectorPlan PlanProjector(const Checkpoint& checkpoint, const SiglipVisionConfig& config);

}  // namespace siglip
