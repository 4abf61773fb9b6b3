// What an embedder needs for texts: the tokenizer and the text tower of a checkpoint folder.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "siglip/runtime.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "weights/checkpoint.h"

namespace siglip {

/// Throws Error(kMismatch) when the tokenizer makes ids that the text tower cannot take.
void CheckTokenizerFits(const Tokenizer& tokenizer, const SiglipTextConfig& config,
                        const std::string& name);

class TextPart {
 public:
  /// Throws Error, kMismatch when the parts do not belong together.
  TextPart(const std::filesystem::path& folder, const std::shared_ptr<const Runtime>& runtime,
           PrecisionChoice precision);

  /// [texts, D]
  Tensor Embed(std::span<const std::string> texts, bool normalize) const;

  const SiglipTextModel& model() const { return model_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  TextPart(const Checkpoint& checkpoint, const std::shared_ptr<const Runtime>& runtime,
           PrecisionChoice precision);

  std::unique_ptr<const Tokenizer> tokenizer_;
  SiglipTextModel model_;
};

}  // namespace siglip
