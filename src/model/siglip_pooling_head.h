// The pooling head of an image tower.
#pragma once

#include <cstdint>
#include <span>

#include "model/layer_source.h"
#include "model/linear.h"
#include "siglip/tensor.hpp"
#include "tensor/arena.h"

namespace siglip {

/// The tokens of one picture, and where their pooled vector goes.
struct PoolingTask {
  ConstMatrix last_hidden_state;  // [N, D]
  float* pooler_output;           // [D]
};

/// Pools tokens to one vector: a learned probe attends over them, then x += mlp(layernorm(x)).
class SiglipMultiheadAttentionPoolingHead {
 public:
  explicit SiglipMultiheadAttentionPoolingHead(const LayerSource& source);

  /// last_hidden_state [B, N, D] -> [B, D].
  Tensor operator()(const TensorView& last_hidden_state) const;

  /// Pictures that share a pass over the weights. Runs on the calling thread.
  void Forward(std::span<const PoolingTask> pictures) const;

 private:
  void PoolTokens(const ConstMatrix& last_hidden_state, const Matrix& pooled) const;

  LayerContext context_;
  Activation activation_;
  // The probe is constant, hence so is its query q: a token's score is x . (Wk^T q) per head, one
  // small Linear. Values are projected after pooling, once per head instead of once per token.
  Linear probe_scores_;  // [heads, D]
  Linear v_proj_;
  Linear out_proj_;
  LayerNorm layernorm_;
  Linear fc1_;
  Linear fc2_;
};

}  // namespace siglip
