// The text tower of SigLIP: input_ids [B, T] -> embeddings.
//
//   auto model = siglip::SiglipTextModel::FromPretrained("google-siglip-base-patch16-224");
//   auto output = model(input_ids);   // output.last_hidden_state [B, T, D], pooler_output [B, P]
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py. Every class is
// immutable after construction and safe to call from several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "siglip/encoder.h"
#include "siglip/runtime.h"
#include "siglip/tensor.h"
#include "siglip/text_config.h"

namespace siglip {

class RowSource;

/// A learned vector per token plus one per position.
class SiglipTextEmbeddings {
 public:
  SiglipTextEmbeddings(const LayerSource& source, const SiglipTextConfig& config);
  ~SiglipTextEmbeddings();

  /// input_ids I64 or I32 [B, T], T <= max_position_embeddings -> [B, T, D].
  Tensor operator()(const Tensor& input_ids) const;

  /// One text: T ids within the vocabulary -> workspace.hidden_states [T, D], rows of this thread.
  void Forward(const int64_t* input_ids, Workspace& workspace) const;

  int64_t weight_bytes() const;

 private:
  LayerContext context_;
  SiglipTextConfig config_;
  // [vocab_size, D]. Stays in the checkpoint's file: a text needs a few rows of a table that may
  // be larger than the rest of the tower.
  std::shared_ptr<const RowSource> token_embedding_;
  Tensor position_embedding_;  // [max_position_embeddings, D]
};

struct TextForwardOptions {
  /// Without it, only what the pooled output needs is computed and kept.
  bool output_last_hidden_state = true;
  bool output_hidden_states = false;
  bool output_attentions = false;
};

/// All F32. Names are those of transformers' BaseModelOutputWithPooling.
struct TextOutput {
  std::optional<Tensor> last_hidden_state;  ///< [B, T, D], after final_layer_norm.
  Tensor pooler_output;                     ///< [B, projection_size].
  std::vector<Tensor>
      hidden_states;               ///< layers + 1 of [B, T, D], the last before final_layer_norm.
  std::vector<Tensor> attentions;  ///< One [B, heads, T, T] per layer; rows sum to one.
};

/// embeddings -> encoder, without any mask -> final_layer_norm -> head on the last position.
class SiglipTextTransformer {
 public:
  SiglipTextTransformer(const LayerSource& source, const SiglipTextConfig& config);
  ~SiglipTextTransformer();

  TextOutput operator()(const Tensor& input_ids, const TextForwardOptions& options = {}) const;

  /// One text of T ids on the threads sharing the workspace: pooler_output [projection_size] and,
  /// where not null, last_hidden_state [T, D]. Complete when all threads have returned.
  void Forward(const int64_t* input_ids, Workspace& workspace, const Matrix* last_hidden_state,
               float* pooler_output) const;

  int64_t weight_bytes() const;

  const LayerContext& context() const { return context_; }
  const SiglipTextConfig& config() const { return config_; }
  const SiglipTextEmbeddings& embeddings() const { return embeddings_; }
  const SiglipEncoder& encoder() const { return encoder_; }

 private:
  LayerContext context_;
  SiglipTextConfig config_;
  SiglipTextEmbeddings embeddings_;
  SiglipEncoder encoder_;
  std::unique_ptr<const LayerNorm> final_layer_norm_;
  std::unique_ptr<const Linear> head_;
};

/// The text tower as users call it.
class SiglipTextModel {
 public:
  /// Loads the text tower of a checkpoint folder (Hugging Face or open_clip layout; see docs).
  /// Reads only what the tower needs; the table of token embeddings stays mapped. Throws Error
  /// naming up to ten tensors when any is missing, unexpected or has another shape than
  /// config.json asks for.
  static SiglipTextModel FromPretrained(const std::filesystem::path& folder,
                                        std::shared_ptr<const Runtime> runtime = nullptr,
                                        PrecisionChoice precision = {});

  SiglipTextModel(SiglipTextModel&&) noexcept;
  SiglipTextModel& operator=(SiglipTextModel&&) noexcept;
  ~SiglipTextModel();

  /// input_ids: I64 or I32 [B, T], 1 <= T <= max_position_embeddings, as the tokenizer makes them:
  /// padded to the length the model was trained with, since padding is not masked. A text's
  /// outputs have the same bits in any batch, at any position, with any number of threads; equal
  /// texts of a batch are computed once. Throws Error(kMismatch) for another rank, dtype or length
  /// and Error(kInvalidArgument) for an id outside the vocabulary.
  TextOutput operator()(const Tensor& input_ids, const TextForwardOptions& options = {}) const;

  const SiglipTextConfig& config() const;
  const SiglipTextTransformer& text_model() const { return *text_model_; }
  const std::shared_ptr<const Runtime>& runtime() const;
  Precision precision() const;
  /// Bytes of the weights as they are held for computing, without what stays in the file.
  int64_t weight_bytes() const;

 private:
  explicit SiglipTextModel(std::unique_ptr<const SiglipTextTransformer> text_model);

  std::unique_ptr<const SiglipTextTransformer> text_model_;
};

}  // namespace siglip
