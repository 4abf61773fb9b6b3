#include "engine/text_part.h"

#include "engine/finish_vector.h"
#include "siglip/error.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

/// For the text tower, which must be there first of all.
std::unique_ptr<const Tokenizer> LoadTokenizer(const std::filesystem::path& folder) {
  Checkpoint::Open(folder).Require(Part::kText);
  return Tokenizer::FromPretrained(folder);
}

}  // namespace

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
    : tokenizer_(LoadTokenizer(folder)),
      model_(SiglipTextModel::FromPretrained(folder, runtime, precision)) {
  CheckTokenizerFits(*tokenizer_, model_.config(), folder.string());
}

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
