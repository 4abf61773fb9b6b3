// The forward pass of a few pictures on the calling thread, for programs with threads of their own.
#pragma once

#include <cstdint>
#include <span>

#include "model/picture_inputs.h"
#include "model/workspace_cache.h"
#include "siglip/error.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

/// A picture whose pixels are ready: planes of fixed resolution [C, image_size, image_size], or
/// patches of NaFlex [grid.tokens(), patch_values]. Null where an output is not wanted.
struct ReadyPicture {
  const float* pixel_values = nullptr;
  PatchGrid grid;
  float* last_hidden_state = nullptr;  ///< [grid.tokens(), D]
  float* pooler_output = nullptr;      ///< [D]
};

/// Owns buffers to use again and again. Not to be shared by threads. Results have the same bits as
/// those of the model's operator().
class VisionForward {
 public:
  explicit VisionForward(VisionModel model);

  /// The pictures share one pass over the weights, which pays off as long as they have not more
  /// than RowsPerPass tokens altogether. Throws Error(kUnsupported) for a pooler_output of a model
  /// without a head.
  void Run(std::span<const ReadyPicture> pictures);

 private:
  VisionModel model_;
  BorrowedWorkspace workspace_;
};

/// To be thrown where a pooled output is wanted of an image tower without a head. `name` is what
/// the model is called.
Error NoPoolingHead(const std::string& name);

}  // namespace siglip
