// What an embedder needs for texts: the tokenizer and the text tower of a checkpoint folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/text_forward.h"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "weights/checkpoint.h"

namespace siglip {

/// Throws Error(kMismatch) when the tokenizer makes ids that the text tower cannot take.
void CheckTokenizerFits(const Tokenizer& tokenizer, const SiglipTextConfig& config,
                        const std::string& name);

/// A text on its way.
struct TextInFlight {
  Tensor input_ids;              ///< [1, T]
  int64_t tokens = 0;            ///< Of these, without padding.
  bool normalize = false;        ///< Divide the embedding by its L2 norm.
  std::vector<float> embedding;  ///< [D]
  std::optional<Error> error;
};

class TextPart {
 public:
  /// Throws Error, kMismatch when the parts do not belong together.
  TextPart(const std::filesystem::path& folder, const std::shared_ptr<const Runtime>& runtime,
           PrecisionChoice precision);

  /// [texts, D]. Throws Error, naming the model where an embedding cannot be used.
  Tensor Embed(std::span<const std::string> texts, bool normalize) const;

  // The same in two stages, as PictureEmbedder has them for pictures. Whatever goes wrong with a
  // text is its error.

  void Prepare(const std::string& text, TextInFlight& in_flight) const;
  /// The group together by `forward`, or one by one on all threads of the model's runtime where it
  /// is null, with the same bits.
  void Compute(std::span<TextInFlight> group, TextForward* forward) const;

  const SiglipTextModel& model() const { return model_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  TextPart(const Checkpoint& checkpoint, const std::shared_ptr<const Runtime>& runtime,
           PrecisionChoice precision);

  Tensor PoolerOutput(const TensorView& input_ids) const;
  void Finish(std::span<float> embedding, bool normalize) const;

  const std::string name_;  // what errors call the model
  std::unique_ptr<const Tokenizer> tokenizer_;
  SiglipTextModel model_;
};

}  // namespace siglip
