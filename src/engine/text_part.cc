#include "engine/text_part.h"

#include "engine/finish_vector.h"
#include "model/siglip_text.h"
#include "siglip/error.hpp"

namespace siglip {

void CheckTokenizerFits(const Tokenizer& tokenizer, const SiglipTextConfig& config,
                        const std::string& name) {
  if (tokenizer.max_length() > config.max_position_embeddings) {
    throw Error(ErrorCode::kMismatch, name + ": the tokenizer makes " +
                                          std::to_string(tokenizer.max_length()) +
                                          " ids of a text, the text tower takes " +
                                          std::to_string(config.max_position_embeddings));
  }
  if (tokenizer.vocab_size() > config.vocab_size) {
    throw Error(ErrorCode::kMismatch,
                name + ": the tokenizer knows " + std::to_string(tokenizer.vocab_size()) +
                    " ids, the text tower " + std::to_string(config.vocab_size),
                "its files may belong to another model");
  }
}

TextPart::TextPart(const std::filesystem::path& folder,
                   const std::shared_ptr<const Runtime>& runtime, PrecisionChoice precision)
    : TextPart(Checkpoint::Open(folder), runtime, precision) {
  CheckTokenizerFits(*tokenizer_, model_.config(), folder.string());
}

// The tower must be there first of all: a tokenizer without one says nothing.
TextPart::TextPart(const Checkpoint& checkpoint, const std::shared_ptr<const Runtime>& runtime,
                   PrecisionChoice precision)
    : tokenizer_((checkpoint.Require(Part::kText), Tokenizer::FromPretrained(checkpoint.path()))),
      model_(LoadTextModel(checkpoint, runtime, precision)) {}

Tensor TextPart::Embed(std::span<const std::string> texts, bool normalize) const {
  TextForwardOptions options;
  options.output_last_hidden_state = false;
  Tensor embeddings = model_((*tokenizer_)(texts), options).pooler_output;
  const auto width = static_cast<size_t>(embeddings.dim(1));
  for (size_t text = 0; text < texts.size(); ++text) {
    FinishVector(embeddings.floats().subspan(text * width, width), normalize);
  }
  return embeddings;
}

}  // namespace siglip
