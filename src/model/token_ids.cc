#include "model/token_ids.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "siglip/error.hpp"

namespace siglip {
namespace {

void CheckVocabulary(const TokenIds& texts, int64_t vocab_size) {
  for (size_t i = 0; i < texts.ids.size(); ++i) {
    if (texts.ids[i] >= 0 && texts.ids[i] < vocab_size) continue;
    const auto position = static_cast<int64_t>(i);
    throw Error(ErrorCode::kInvalidArgument,
                "input_ids: row " + std::to_string(position / texts.tokens) + ", position " +
                    std::to_string(position % texts.tokens) + ": expected an id from 0 to " +
                    std::to_string(vocab_size - 1) + ", found " + std::to_string(texts.ids[i]),
                "the tokenizer may belong to another model");
  }
}

}  // namespace

TokenIds CheckInputIds(const SiglipTextConfig& config, const TensorView& input_ids) {
  const std::string found =
      std::string(ToString(input_ids.dtype())) + " " + ToString(input_ids.shape());
  const bool is_integer = input_ids.dtype() == DType::kI64 || input_ids.dtype() == DType::kI32;
  if (!is_integer || input_ids.shape().size() != 2) {
    throw Error(ErrorCode::kMismatch,
                "input_ids: expected I64 or I32 [batch, tokens], found " + found);
  }
  TokenIds texts;
  texts.texts = input_ids.dim(0);
  texts.tokens = input_ids.dim(1);
  if (texts.tokens < 1 || texts.tokens > config.max_position_embeddings) {
    throw Error(ErrorCode::kMismatch,
                "input_ids: expected 1 to " + std::to_string(config.max_position_embeddings) +
                    " tokens a text (max_position_embeddings), found " + found);
  }
  const auto keep = [&](const auto& ids) { texts.ids.assign(ids.begin(), ids.end()); };
  input_ids.dtype() == DType::kI64 ? keep(input_ids.values<int64_t>())
                                   : keep(input_ids.values<int32_t>());
  CheckVocabulary(texts, config.vocab_size);
  return texts;
}

std::vector<int64_t> FirstEqualTexts(const TokenIds& texts) {
  std::vector<int64_t> first(static_cast<size_t>(texts.texts));
  std::map<std::string_view, int64_t> known;
  for (int64_t text = 0; text < texts.texts; ++text) {
    const std::string_view bytes(reinterpret_cast<const char*>(texts.text(text)),
                                 static_cast<size_t>(texts.tokens) * sizeof(int64_t));
    first[static_cast<size_t>(text)] = known.emplace(bytes, text).first->second;
  }
  return first;
}

}  // namespace siglip
