// The forward pass of one picture on the calling thread, for programs with threads of their own.
#pragma once

#include <cstdint>

#include "model/workspace.h"
#include "siglip/vision_model.h"
#include "tensor/arena.h"

namespace siglip {

/// Owns the buffers for pictures of one size, to use again and again. Not to be shared by threads.
/// Results have the same bits as those of the model's operator().
class SinglePictureForward {
 public:
  /// For pictures of the size the model was trained for.
  explicit SinglePictureForward(const SiglipVisionModel& model);

  int64_t tokens() const { return last_hidden_state_.matrix().rows; }

  /// pixel_values [C, image_size, image_size] -> last_hidden_state [N, D], pooler_output [D]; null
  /// where not wanted. Throws Error(kUnsupported) for a pooler_output of a model without a head.
  void Run(const float* pixel_values, float* last_hidden_state, float* pooler_output);

 private:
  const SiglipVisionTransformer& transformer_;
  MatrixBuffer position_embedding_;
  MatrixBuffer last_hidden_state_;
  TeamWorkspace workspace_;
};

}  // namespace siglip
