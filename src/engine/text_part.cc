#include "engine/text_part.h"

#include <algorithm>
#include <utility>

#include "engine/current_error.h"
#include "engine/finish_vector.h"
#include "model/siglip_text.h"
#include "model/token_ids.h"
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
  CheckTokenizerFits(*tokenizer_, model_.config(), name_);
}

// The tower must be there first of all: a tokenizer without one says nothing.
TextPart::TextPart(const Checkpoint& checkpoint, const std::shared_ptr<const Runtime>& runtime,
                   PrecisionChoice precision)
    : name_(checkpoint.path().string()),
      tokenizer_((checkpoint.Require(Part::kText), Tokenizer::FromPretrained(checkpoint.path()))),
      model_(LoadTextModel(checkpoint, runtime, precision)) {}

Tensor TextPart::Embed(std::span<const std::string> texts, bool normalize) const {
  Tensor embeddings = PoolerOutput((*tokenizer_)(texts));
  const auto width = static_cast<size_t>(embeddings.dim(1));
  for (size_t text = 0; text < texts.size(); ++text) {
    Finish(embeddings.floats().subspan(text * width, width), normalize);
  }
  return embeddings;
}

void TextPart::Prepare(const std::string& text, TextInFlight& in_flight) const {
  try {
    in_flight.input_ids = Tensor(DType::kI64, {1, tokenizer_->max_length()});
    const std::span<int64_t> row = in_flight.input_ids.values<int64_t>();
    in_flight.tokens = static_cast<int64_t>(tokenizer_->Tokenize(text, row));
    CheckInputIds(model_.config(), in_flight.input_ids);
  } catch (...) {
    in_flight.error = CurrentError("text");
  }
}

void TextPart::Compute(std::span<TextInFlight> group, TextForward* forward) const {
  const auto width = static_cast<size_t>(model_.config().embedding_size());
  try {
    std::vector<ReadyText> ready;
    for (TextInFlight& text : group) {
      text.embedding.resize(width);
      ready.push_back({std::as_const(text.input_ids).values<int64_t>(), text.embedding.data()});
    }
    if (forward != nullptr) {
      forward->Run(ready);
    } else {
      for (TextInFlight& text : group) {
        std::ranges::copy(PoolerOutput(text.input_ids).floats(), text.embedding.begin());
      }
    }
  } catch (...) {
    for (TextInFlight& text : group) text.error = CurrentError("text");
  }
  for (TextInFlight& text : group) {
    try {
      if (!text.error) Finish(text.embedding, text.normalize);
    } catch (...) {
      text.error = CurrentError("text");
    }
    if (text.error) text.embedding.clear();
  }
}

Tensor TextPart::PoolerOutput(const TensorView& input_ids) const {
  TextForwardOptions options;
  options.output_last_hidden_state = false;
  return model_(input_ids, options).pooler_output;
}

void TextPart::Finish(std::span<float> embedding, bool normalize) const {
  try {
    FinishVector(embedding, normalize);
  } catch (const UnusableEmbedding& error) {
    throw Error(error.code(), name_ + ": of a text, " + error.message(), error.hint());
  }
}

}  // namespace siglip
