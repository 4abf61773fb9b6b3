// The image tower: embeddings -> encoder -> post_layernorm -> head.
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py. SigLIP and
// SigLIP 2 NaFlex differ in how the pixels of a picture are laid out and in how the table of
// positions is resized; a picture of fixed resolution is one whose grid is that of the table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "configuration/vision_tower_plan.h"
#include "model/layer_source.h"
#include "model/linear.h"
#include "model/picture_inputs.h"
#include "model/position_table.h"
#include "model/siglip_encoder.h"
#include "model/siglip_pooling_head.h"
#include "model/workspace.h"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

/// Patches projected (a Conv2d with kernel = stride = patch_size, "valid", or a Linear on patches
/// that are cut out already), plus a learned position embedding.
class SiglipVisionEmbeddings {
 public:
  SiglipVisionEmbeddings(const LayerSource& source, const VisionTowerPlan& plan);

  /// One position vector per patch, [grid.tokens(), D]. Kept for the next picture of this shape.
  std::shared_ptr<const MatrixBuffer> PositionEmbedding(const PatchGrid& grid) const {
    return position_embedding_.For(grid.rows, grid.columns);
  }

  /// One picture -> workspace.hidden_states, those rows of the sequence that are this thread's.
  void Forward(const PicturePixels& picture, const Matrix& position_embedding,
               const Sequence& sequence, Workspace& workspace) const;

 private:
  Matrix CutPatches(const PicturePixels& picture, int64_t begin, int64_t end,
                    const Matrix& patches) const;

  SiglipVisionTowerConfig config_;
  Linear patch_embedding_;  // the kernel as [D, patch_values]
  PositionTable position_embedding_;
};

/// A picture on its way through the tower, and where its outputs go.
struct PictureTask {
  PicturePixels pixels;
  std::shared_ptr<const MatrixBuffer> positions;  // of its grid
  Matrix last_hidden_state;                       // [N, D]; null where not wanted
  float* pooler_output = nullptr;                 // [D]; null where not wanted
  std::vector<float*> hidden_states;              // see Sequence
  std::vector<AttentionMaps> attentions;
};

class SiglipVisionTransformer {
 public:
  SiglipVisionTransformer(const LayerSource& source, const VisionTowerPlan& plan);

  /// See VisionModel.
  VisionOutput operator()(const VisionInputsView& inputs, const VisionForwardOptions& options = {},
                          VisionOutput into = {}) const;

  /// The pictures laid out in the workspace, on the threads that share it. Complete when all
  /// threads have returned.
  void Forward(std::span<const PictureTask> pictures, Workspace& workspace) const;

  const LayerContext& context() const { return context_; }
  const VisionTowerPlan& plan() const { return plan_; }
  const SiglipVisionEmbeddings& embeddings() const { return embeddings_; }
  bool has_head() const { return head_.has_value(); }

 private:
  VisionTowerPlan plan_;
  LayerContext context_;
  SiglipVisionEmbeddings embeddings_;
  SiglipEncoder encoder_;
  LayerNorm post_layernorm_;
  std::optional<SiglipMultiheadAttentionPoolingHead> head_;
};

}  // namespace siglip
