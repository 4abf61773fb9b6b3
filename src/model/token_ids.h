// What input_ids hold, checked.
#pragma once

#include <cstdint>
#include <vector>

#include "siglip/tensor.hpp"
#include "siglip/transformers/configuration.hpp"

namespace siglip {

/// Texts of equal length.
struct TokenIds {
  int64_t texts = 0;
  int64_t tokens = 0;        ///< Of each text.
  std::vector<int64_t> ids;  ///< [texts, tokens]

  const int64_t* text(int64_t index) const { return ids.data() + index * tokens; }
};

/// Throws Error(kMismatch) unless `input_ids` is I64 or I32 [B, T] with 1 <= T <=
/// max_position_embeddings, and Error(kInvalidArgument) naming the first id that is not in the
/// vocabulary.
TokenIds CheckInputIds(const SiglipTextConfig& config, const TensorView& input_ids);

/// For every text the first one that is equal to it.
std::vector<int64_t> FirstEqualTexts(const TokenIds& texts);

}  // namespace siglip
