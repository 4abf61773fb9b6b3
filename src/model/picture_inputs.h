// The pictures of a call of an image tower, checked against the model and against each other.
#pragma once

#include <cstdint>
#include <vector>

#include "configuration/vision_tower_plan.h"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

/// Rows and columns of a picture's patches.
struct PatchGrid {
  int64_t rows = 0;
  int64_t columns = 0;

  int64_t tokens() const { return rows * columns; }
};

/// One picture as the tower reads it.
struct PicturePixels {
  const float* values = nullptr;
  PatchGrid grid;
  /// Of planes [C, height, width], out of which patches are cut; 0 where `values` are patches
  /// [grid.tokens(), patch_values].
  int64_t height = 0;
  int64_t width = 0;
};

struct PictureBatch {
  std::vector<PicturePixels> pictures;
  int64_t tokens = 0;  ///< Of each picture in the outputs: its own, then padding.
};

/// Planes F32 [B, num_channels, H, W] of a tower of fixed resolution, with H = W = image_size or,
/// with interpolate_pos_encoding, at least one patch each way. Of NaFlex patches F32 [B, n,
/// patch_values], with spatial_shapes that hold B pairs of positive integers whose product is at
/// most n; the mask, if there is one, is 1 for exactly the patches that come first. Throws
/// Error(kMismatch) naming the tensor, and the picture by its position, for anything else.
PictureBatch CheckInputs(const VisionTowerPlan& plan, const VisionInputsView& inputs,
                         bool interpolate_pos_encoding);

}  // namespace siglip
