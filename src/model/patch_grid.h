// The inputs of a NaFlex tower, checked against the model and against each other.
#pragma once

#include <cstdint>
#include <vector>

#include "siglip/siglip2_inputs.h"
#include "siglip/siglip2_vision_config.h"

namespace siglip {

/// Rows and columns of a picture's patches.
struct PatchGrid {
  int64_t rows = 0;
  int64_t columns = 0;

  int64_t tokens() const { return rows * columns; }
};

/// The grid of every picture. Throws Error(kMismatch) naming the tensor, and the picture by its
/// position, unless pixel_values is F32 [B, n, patch_values], spatial_shapes holds B pairs of
/// positive integers whose product is at most n, and the mask, if there is one, is 1 for exactly
/// the patches that come first.
std::vector<PatchGrid> CheckSiglip2Inputs(const Siglip2VisionConfig& config,
                                          const Siglip2Inputs& inputs);

}  // namespace siglip
