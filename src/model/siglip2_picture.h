// The forward pass of one picture of a NaFlex model on the calling thread, for programs with
// threads of their own.
#pragma once

#include <cstdint>

#include "model/patch_grid.h"
#include "model/workspace.h"
#include "siglip/siglip2_vision_model.h"
#include "tensor/arena.h"

namespace siglip {

/// Owns buffers to use again and again. Not to be shared by threads. Results have the same bits as
/// those of the model's operator().
class Siglip2PictureForward {
 public:
  explicit Siglip2PictureForward(const Siglip2VisionModel& model);

  /// Patches [N, patch_values] of a grid of N -> last_hidden_state [N, D], pooler_output [D]; null
  /// where not wanted. Throws Error(kUnsupported) for a pooler_output of a model without a head.
  void Run(const float* pixel_values, const PatchGrid& grid, float* last_hidden_state,
           float* pooler_output);

 private:
  const Siglip2VisionTransformer& transformer_;
  SizedWorkspace workspace_;
  MatrixBuffer last_hidden_state_;
};

}  // namespace siglip
