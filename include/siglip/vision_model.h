// The image tower of SigLIP: pixel_values [B, C, H, W] -> embeddings.
//
//   auto model = siglip::SiglipVisionModel::FromPretrained("google-siglip-base-patch16-224");
//   auto output = model(pixel_values);   // output.last_hidden_state [B, N, D], pooler_output [B,
//   D]
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py. Every class is
// immutable after construction and safe to call from several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siglip/atomic_file.h"
#include "siglip/encoder.h"
#include "siglip/runtime.h"
#include "siglip/tensor.h"
#include "siglip/vision_config.h"

namespace siglip {

/// Patch Conv2d (kernel = stride = patch_size, "valid"), flattened and transposed, plus a learned
/// position embedding.
class SiglipVisionEmbeddings {
 public:
  SiglipVisionEmbeddings(const LayerSource& source, const SiglipVisionConfig& config);
  ~SiglipVisionEmbeddings();

  /// pixel_values [B, C, H, W] -> [B, N, D]. H = W = image_size unless interpolate_pos_encoding.
  Tensor operator()(const Tensor& pixel_values, bool interpolate_pos_encoding = false) const;

  /// One position vector per patch, [rows * columns, D]: the learned table as it is for the size
  /// the model was trained for, else resized bicubically (torch, a = -0.75, align_corners=False).
  Tensor PositionEmbedding(int64_t rows, int64_t columns) const;

  /// One picture [C, height, width] -> workspace.hidden_states [N, D], rows of this thread.
  void Forward(const float* pixel_values, int64_t height, int64_t width,
               const Matrix& position_embedding, Workspace& workspace) const;

  int64_t weight_bytes() const;

 private:
  LayerContext context_;
  SiglipVisionConfig config_;
  std::unique_ptr<const Linear> patch_embedding_;  // the kernel as [D, C * patch * patch]
  Tensor position_embedding_;                      // [num_patches, D]
};

/// Pools tokens to one vector: a learned probe attends over them, then x += mlp(layernorm(x)).
class SiglipMultiheadAttentionPoolingHead {
 public:
  explicit SiglipMultiheadAttentionPoolingHead(const LayerSource& source);
  ~SiglipMultiheadAttentionPoolingHead();

  /// last_hidden_state [B, N, D] -> [B, D].
  Tensor operator()(const Tensor& last_hidden_state) const;

  /// One picture: last_hidden_state [N, D] -> pooled [D]. Runs on the calling thread.
  void Forward(const Matrix& last_hidden_state, float* pooled) const;

  int64_t weight_bytes() const;

 private:
  LayerContext context_;
  // The probe is constant, hence so is its query q: a token's score is x . (Wk^T q) per head, one
  // small Linear. Values are projected after pooling, once per head instead of once per token.
  std::unique_ptr<const Linear> probe_scores_;  // [heads, D]
  std::unique_ptr<const Linear> v_proj_;
  std::unique_ptr<const Linear> out_proj_;
  std::unique_ptr<const LayerNorm> layernorm_;
  std::unique_ptr<const Linear> fc1_;
  std::unique_ptr<const Linear> fc2_;
};

/// What follows the embeddings in every image tower: encoder -> post_layernorm -> head.
class SiglipVisionTrunk {
 public:
  /// Of the tower whose scope is `source`'s. Without `use_head` there is no pooled output.
  SiglipVisionTrunk(const LayerSource& source, bool use_head);
  ~SiglipVisionTrunk();

  /// One picture on the threads sharing the workspace: its embeddings in workspace.hidden_states
  /// [N, D] -> last_hidden_state [N, D] and, where `pooler_output` is not null, that [D]. Complete
  /// when all threads have returned.
  void Forward(Workspace& workspace, const Matrix& last_hidden_state, float* pooler_output) const;

  int64_t weight_bytes() const;

  const SiglipEncoder& encoder() const { return encoder_; }
  const SiglipMultiheadAttentionPoolingHead* head() const { return head_.get(); }

 private:
  SiglipEncoder encoder_;
  std::unique_ptr<const LayerNorm> post_layernorm_;
  std::unique_ptr<const SiglipMultiheadAttentionPoolingHead> head_;  // null without a head
};

struct VisionForwardOptions {
  /// Accept pictures of other sizes than image_size: the position embedding is resized to fit.
  bool interpolate_pos_encoding = false;
  bool output_hidden_states = false;
  bool output_attentions = false;
};

/// All F32. Names are those of transformers' BaseModelOutputWithPooling.
struct VisionOutput {
  Tensor last_hidden_state;             ///< [B, N, D], after post_layernorm.
  std::optional<Tensor> pooler_output;  ///< [B, D]; absent without a pooling head.
  std::vector<Tensor> hidden_states;  ///< layers + 1 of [B, N, D], the last before post_layernorm.
  std::vector<Tensor> attentions;     ///< One [B, heads, N, N] per layer; rows sum to one.
};

/// embeddings -> trunk.
class SiglipVisionTransformer {
 public:
  SiglipVisionTransformer(const LayerSource& source, const SiglipVisionConfig& config);
  ~SiglipVisionTransformer();

  VisionOutput operator()(const Tensor& pixel_values,
                          const VisionForwardOptions& options = {}) const;

  /// One picture [C, height, width] on the threads sharing the workspace: last_hidden_state [N, D]
  /// and, where `pooler_output` is not null, that [D]. Complete when all threads have returned.
  void Forward(const float* pixel_values, int64_t height, int64_t width,
               const Matrix& position_embedding, Workspace& workspace,
               const Matrix& last_hidden_state, float* pooler_output) const;

  int64_t weight_bytes() const;

  const LayerContext& context() const { return context_; }
  const SiglipVisionConfig& config() const { return config_; }
  const SiglipVisionEmbeddings& embeddings() const { return embeddings_; }
  const SiglipEncoder& encoder() const { return trunk_.encoder(); }
  const SiglipMultiheadAttentionPoolingHead* head() const { return trunk_.head(); }

 private:
  LayerContext context_;
  SiglipVisionConfig config_;
  SiglipVisionEmbeddings embeddings_;
  SiglipVisionTrunk trunk_;
};

/// The image tower as users call it.
class SiglipVisionModel {
 public:
  /// Loads the image tower of a checkpoint folder (Hugging Face, timm or open_clip layout; see
  /// docs). Reads only what the tower needs. Throws Error naming up to ten tensors when any is
  /// missing, unexpected or has another shape than config.json asks for.
  static SiglipVisionModel FromPretrained(const std::filesystem::path& folder,
                                          std::shared_ptr<const Runtime> runtime = nullptr,
                                          PrecisionChoice precision = {});

  /// Random weights of transformers' `_init_weights` distributions; the same seed gives the same
  /// weights on every machine.
  SiglipVisionModel(const SiglipVisionConfig& config, uint64_t seed,
                    std::shared_ptr<const Runtime> runtime = nullptr,
                    PrecisionChoice precision = {});

  /// What saving a model made from `config` and `seed` writes, without making it: one tensor is
  /// held at a time. Beside it preprocessor_config.json, unless `preprocessor_json` is empty.
  static void SaveRandom(const SiglipVisionConfig& config, uint64_t seed,
                         const std::filesystem::path& folder, const WriteOptions& options = {},
                         const std::string& preprocessor_json = {});

  SiglipVisionModel(SiglipVisionModel&&) noexcept;
  SiglipVisionModel& operator=(SiglipVisionModel&&) noexcept;
  ~SiglipVisionModel();

  /// pixel_values: F32 [B, num_channels, H, W], normalised as the processor does. A picture's
  /// outputs have the same bits in any batch, at any position, with any number of threads.
  /// Throws Error(kMismatch) for another rank, dtype, channel count or (without
  /// interpolate_pos_encoding) size.
  VisionOutput operator()(const Tensor& pixel_values,
                          const VisionForwardOptions& options = {}) const;

  /// Writes config.json and model.safetensors (F32, Hugging Face names) that FromPretrained and
  /// transformers load. The folder is made if need be; existing files of these names are replaced.
  void SavePretrained(const std::filesystem::path& folder) const;

  const SiglipVisionConfig& config() const;
  const SiglipVisionTransformer& vision_model() const { return *vision_model_; }
  const std::shared_ptr<const Runtime>& runtime() const;
  Precision precision() const;
  /// Bytes of the weights as they are held for computing.
  int64_t weight_bytes() const;

 private:
  SiglipVisionModel(std::shared_ptr<const WeightSource> weights, const SiglipVisionConfig& config,
                    std::shared_ptr<const Runtime> runtime, Precision precision);

  std::shared_ptr<const WeightSource> weights_;
  std::unique_ptr<const SiglipVisionTransformer> vision_model_;
};

}  // namespace siglip
