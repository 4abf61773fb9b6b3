// The forward pass of a few texts on the calling thread, for programs with threads of their own.
#pragma once

#include <cstdint>
#include <span>

#include "model/workspace_cache.h"
#include "siglip/transformers/text_model.hpp"

namespace siglip {

/// A text whose ids CheckInputIds has seen.
struct ReadyText {
  std::span<const int64_t> input_ids;
  float* pooler_output = nullptr;  ///< [projection_size]
};

/// Owns buffers to use again and again. Not to be shared by threads. Results have the same bits as
/// those of the model's operator().
class TextForward {
 public:
  explicit TextForward(SiglipTextModel model);

  /// The texts share one pass over the weights, which pays off as long as they have not more than
  /// RowsPerPass ids altogether.
  void Run(std::span<const ReadyText> texts);

 private:
  SiglipTextModel model_;
  BorrowedWorkspace workspace_;
};

}  // namespace siglip
