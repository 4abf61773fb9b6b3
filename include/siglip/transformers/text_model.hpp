// The text tower of SigLIP: input_ids [B, T] -> embeddings.
//
//   auto model = siglip::SiglipTextModel::FromPretrained("google-siglip-base-patch16-224");
//   auto output = model(input_ids);   // output.last_hidden_state [B, T, D], pooler_output [B, P]
//
// Classes and names are those of transformers' modeling_siglip.py. The model is immutable after
// construction, cheap to copy (copies share the weights) and safe to call from several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/configuration.hpp"

namespace siglip {

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

class SIGLIP_EXPORT SiglipTextModel {
 public:
  /// Loads the text tower of a checkpoint folder (Hugging Face or open_clip layout; see docs).
  /// Reads only what the tower needs; the table of token embeddings stays mapped. Throws Error
  /// naming up to ten tensors when any is missing, unexpected or has another shape than
  /// config.json asks for.
  static SiglipTextModel FromPretrained(const std::filesystem::path& folder,
                                        std::shared_ptr<const Runtime> runtime = nullptr,
                                        PrecisionChoice precision = {});

  /// input_ids: I64 or I32 [B, T], 1 <= T <= max_position_embeddings, as the tokenizer makes them:
  /// padded to the length the model was trained with, since padding is not masked. A text's
  /// outputs have the same bits in any batch, at any position, with any number of threads; equal
  /// texts of a batch are computed once. Throws Error(kMismatch) for another rank, dtype or length
  /// and Error(kInvalidArgument) for an id outside the vocabulary.
  ///
  /// Outputs go into the tensors of `into` that are not empty, such as those over memory of the
  /// caller; throws Error(kMismatch) where one has another dtype or shape than the output.
  TextOutput operator()(const TensorView& input_ids, const TextForwardOptions& options = {},
                        TextOutput into = {}) const;

  const SiglipTextConfig& config() const;
  const std::shared_ptr<const Runtime>& runtime() const;
  Precision precision() const;
  /// Bytes of the weights in its precision, see WeightBytes.
  int64_t weight_bytes() const;
  /// How many passes over the weights a batch of as many different texts takes, each as long as the
  /// tower takes them: fewer than there are texts where several share one.
  int64_t passes(int64_t texts) const;

  /// Of this library's own use.
  struct SIGLIP_HIDDEN State;
  explicit SiglipTextModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace siglip
