// The encoder that both towers are made of: transformer layers of attention and MLP.
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py. Every class is
// immutable after construction and safe to call from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "siglip/encoder_config.h"
#include "siglip/runtime.h"
#include "siglip/tensor.h"

namespace siglip {

// Building blocks, defined in src/model and src/weights.
class LayerNorm;
class Linear;
class WeightSource;
class WorkspaceCache;
struct Matrix;
struct Workspace;

std::shared_ptr<WorkspaceCache> NewWorkspaceCache();

/// What all layers of a tower have in common.
struct LayerContext {
  SiglipEncoderConfig config;
  std::shared_ptr<const Runtime> runtime;
  Precision precision = Precision::kFloat32;
  /// Memory of earlier calls, which the next ones use.
  std::shared_ptr<WorkspaceCache> workspaces = NewWorkspaceCache();
};

/// What a layer is built from: where weights come from, its name there, and the architecture.
struct LayerSource {
  const WeightSource& weights;
  std::string scope;  ///< e.g. "vision_model.encoder.layers.3"
  const LayerContext& context;

  /// The same source one level down: scope + "." + name.
  LayerSource operator/(const std::string& name) const;
};

/// Multi-headed self-attention: softmax(q k^T * head_dim^-0.5) v, then out_proj.
class SiglipAttention {
 public:
  explicit SiglipAttention(const LayerSource& source);
  ~SiglipAttention();

  /// hidden_states [B, N, D] -> [B, N, D].
  Tensor operator()(const Tensor& hidden_states) const;

  /// workspace.hidden_states += attention(workspace.normalized), rows of this thread.
  void Forward(Workspace& workspace) const;

  int64_t weight_bytes() const;

 private:
  LayerContext context_;
  std::unique_ptr<const Linear> qkv_proj_;  // q_proj, k_proj and v_proj as one [3 D, D]
  std::unique_ptr<const Linear> out_proj_;
};

/// fc2(activation(fc1(x))).
class SiglipMLP {
 public:
  explicit SiglipMLP(const LayerSource& source);
  ~SiglipMLP();

  /// hidden_states [B, N, D] -> [B, N, D].
  Tensor operator()(const Tensor& hidden_states) const;

  /// workspace.hidden_states += mlp(workspace.normalized), rows of this thread.
  void Forward(Workspace& workspace) const;

  int64_t weight_bytes() const;

 private:
  LayerContext context_;
  std::unique_ptr<const Linear> fc1_;
  std::unique_ptr<const Linear> fc2_;
};

/// Pre-norm block: x += self_attn(layer_norm1(x)); x += mlp(layer_norm2(x)).
class SiglipEncoderLayer {
 public:
  explicit SiglipEncoderLayer(const LayerSource& source);
  ~SiglipEncoderLayer();

  /// hidden_states [B, N, D] -> [B, N, D].
  Tensor operator()(const Tensor& hidden_states) const;

  /// workspace.hidden_states in place, rows of this thread.
  void Forward(Workspace& workspace) const;

  int64_t weight_bytes() const;

  const SiglipAttention& self_attn() const { return self_attn_; }
  const SiglipMLP& mlp() const { return mlp_; }

 private:
  LayerContext context_;
  std::unique_ptr<const LayerNorm> layer_norm1_;
  SiglipAttention self_attn_;
  std::unique_ptr<const LayerNorm> layer_norm2_;
  SiglipMLP mlp_;
};

/// num_hidden_layers encoder layers in a row.
class SiglipEncoder {
 public:
  explicit SiglipEncoder(const LayerSource& source);
  ~SiglipEncoder();

  /// inputs_embeds [B, N, D] -> [B, N, D].
  Tensor operator()(const Tensor& inputs_embeds) const;

  /// workspace.hidden_states in place, rows of this thread.
  void Forward(Workspace& workspace) const;

  int64_t weight_bytes() const;

  const std::vector<std::unique_ptr<const SiglipEncoderLayer>>& layers() const { return layers_; }

 private:
  LayerContext context_;
  std::vector<std::unique_ptr<const SiglipEncoderLayer>> layers_;
};

}  // namespace siglip
