// The text tower: embeddings -> encoder, without any mask -> final_layer_norm -> head on the last
// position.
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/layer_source.h"
#include "model/linear.h"
#include "model/siglip_encoder.h"
#include "model/workspace.h"
#include "siglip/tensor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "weights/checkpoint.h"
#include "weights/row_source.h"

namespace siglip {

/// A learned vector per token plus one per position.
class SiglipTextEmbeddings {
 public:
  SiglipTextEmbeddings(const LayerSource& source, const SiglipTextConfig& config);

  /// input_ids I64 or I32 [B, T], T <= max_position_embeddings -> [B, T, D].
  Tensor operator()(const TensorView& input_ids) const;

  /// One text, whose ids are within the vocabulary -> workspace.hidden_states, those rows of the
  /// sequence that are this thread's.
  void Forward(const int64_t* input_ids, const Sequence& sequence, Workspace& workspace) const;

 private:
  LayerContext context_;
  SiglipTextConfig config_;
  // [vocab_size, D]. Stays in the checkpoint's file: a text needs a few rows of a table that may
  // be larger than the rest of the tower.
  std::shared_ptr<const RowSource> token_embedding_;
  Tensor position_embedding_;  // [max_position_embeddings, D]
};

/// A text on its way through the tower, and where its outputs go.
struct TextTask {
  const int64_t* input_ids = nullptr;  // [T]
  float* last_hidden_state = nullptr;  // [T, D]; null where not wanted
  float* pooler_output = nullptr;      // [projection_size]
  std::vector<float*> hidden_states;   // see Sequence
  std::vector<AttentionMaps> attentions;
};

class SiglipTextTransformer {
 public:
  SiglipTextTransformer(const LayerSource& source, const SiglipTextConfig& config);

  /// See SiglipTextModel.
  TextOutput operator()(const TensorView& input_ids, const TextForwardOptions& options = {},
                        TextOutput into = {}) const;

  /// The texts laid out in the workspace, on the threads that share it, all wanting the same
  /// outputs. Complete when all threads have returned.
  void Forward(std::span<const TextTask> texts, Workspace& workspace) const;

  const LayerContext& context() const { return context_; }
  const SiglipTextConfig& config() const { return config_; }

 private:
  void Pool(std::span<const TextTask> texts, Workspace& workspace) const;

  LayerContext context_;
  SiglipTextConfig config_;
  SiglipTextEmbeddings embeddings_;
  SiglipEncoder encoder_;
  LayerNorm final_layer_norm_;
  Linear head_;
};

/// What a SiglipTextModel consists of.
struct SiglipTextModel::State {
  SiglipTextTransformer text_model;
};

/// Of a checkpoint that is open already.
SiglipTextModel LoadTextModel(const Checkpoint& checkpoint, std::shared_ptr<const Runtime> runtime,
                              PrecisionChoice precision);

}  // namespace siglip
