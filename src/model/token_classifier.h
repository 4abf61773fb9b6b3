// The classifier behind an image tower: not on its pooled output, but on the mean of its tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/layer_source.h"
#include "model/linear.h"
#include "siglip/tensor.hpp"
#include "weights/checkpoint.h"

namespace siglip {

class TokenClassifier {
 public:
  /// Reads `classifier` of the checkpoint and the labels of its configuration.
  TokenClassifier(const Checkpoint& checkpoint, const LayerContext& context);

  /// tokens [B, n, D] -> logits [B, labels]. Picture i has the first counts[i] of its n rows.
  Tensor operator()(const TensorView& tokens, std::span<const int64_t> counts) const;

  /// By index of the logit.
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  std::vector<std::string> labels_;
  Linear classifier_;
};

}  // namespace siglip
