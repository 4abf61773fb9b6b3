// Self-attention.
#pragma once

#include <cstdint>
#include <memory>

#include "model/layer_source.h"
#include "model/linear.h"
#include "model/workspace.h"
#include "siglip/tensor.hpp"

namespace siglip {

/// Multi-headed self-attention: softmax(q k^T * head_dim^-0.5) v, then out_proj.
class SiglipAttention {
 public:
  explicit SiglipAttention(const LayerSource& source);

  /// hidden_states [B, N, D] -> [B, N, D].
  Tensor operator()(const TensorView& hidden_states) const;

  /// workspace.hidden_states += attention(workspace.normalized), rows of this thread.
  void Forward(Workspace& workspace) const;

 private:
  void Attend(const Sequence& sequence, Workspace& workspace) const;

  LayerContext context_;
  Linear qkv_proj_;  // q_proj, k_proj and v_proj as one [3 D, D]
  Linear out_proj_;
};

}  // namespace siglip
