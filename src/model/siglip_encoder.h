// The encoder that both towers are made of: transformer layers of attention and MLP.
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py. Every class is
// immutable after construction and safe to call from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/layer_source.h"
#include "model/linear.h"
#include "model/siglip_attention.h"
#include "model/workspace.h"
#include "siglip/tensor.hpp"

namespace siglip {

/// fc2(activation(fc1(x))).
class SiglipMLP {
 public:
  explicit SiglipMLP(const LayerSource& source);

  /// hidden_states [B, N, D] -> [B, N, D].
  Tensor operator()(const TensorView& hidden_states) const;

  /// workspace.hidden_states += mlp(workspace.normalized), rows of this thread.
  void Forward(Workspace& workspace) const;

 private:
  LayerContext context_;
  Activation activation_;
  Linear fc1_;
  Linear fc2_;
};

/// Pre-norm block: x += self_attn(layer_norm1(x)); x += mlp(layer_norm2(x)).
class SiglipEncoderLayer {
 public:
  explicit SiglipEncoderLayer(const LayerSource& source);

  /// hidden_states [B, N, D] -> [B, N, D].
  Tensor operator()(const TensorView& hidden_states) const;

  /// workspace.hidden_states in place, rows of this thread.
  void Forward(Workspace& workspace) const;

  const SiglipAttention& self_attn() const { return self_attn_; }
  const SiglipMLP& mlp() const { return mlp_; }

 private:
  LayerContext context_;
  LayerNorm layer_norm1_;
  SiglipAttention self_attn_;
  LayerNorm layer_norm2_;
  SiglipMLP mlp_;
};

/// num_hidden_layers encoder layers in a row.
class SiglipEncoder {
 public:
  explicit SiglipEncoder(const LayerSource& source);

  /// inputs_embeds [B, N, D] -> [B, N, D].
  Tensor operator()(const TensorView& inputs_embeds) const;

  /// workspace.hidden_states in place, rows of this thread.
  void Forward(Workspace& workspace) const;

  const std::vector<std::unique_ptr<const SiglipEncoderLayer>>& layers() const { return layers_; }

 private:
  LayerContext context_;
  std::vector<std::unique_ptr<const SiglipEncoderLayer>> layers_;
};

}  // namespace siglip
