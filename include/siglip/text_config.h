// The configuration of the text tower.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "siglip/encoder_config.h"

namespace siglip {

/// Fields and defaults of transformers' configuration_siglip.py (SiglipTextConfig).
struct SiglipTextConfig : SiglipEncoderConfig {
  int64_t vocab_size = 32000;
  int64_t max_position_embeddings = 64;  ///< Most tokens of a text.
  /// Width of the text embedding. Absent: hidden_size.
  std::optional<int64_t> projection_size;
  // Kept for the file; what pads and ends a text is the tokenizer's business.
  std::optional<int64_t> pad_token_id = 1;
  std::optional<int64_t> bos_token_id = 49406;
  std::optional<int64_t> eos_token_id = 49407;
  /// Keys of the JSON this library does not know, with their values as JSON text.
  std::map<std::string, std::string> unknown;

  /// Width of the text embedding.
  int64_t embedding_size() const { return projection_size.value_or(hidden_size); }

  /// Throws Error(kInvalidArgument) naming the field, its value and what is allowed.
  void Validate() const;

  /// From a JSON object holding these fields (the whole config.json of a text-only checkpoint, or
  /// its "text_config"). Fields left out take their defaults; unknown ones are kept in `unknown`.
  /// The result is validated. `name` is what errors call the source.
  static SiglipTextConfig FromJson(std::string_view json, const std::string& name);
  /// A config.json for a text-only checkpoint, as transformers writes it.
  std::string ToJson() const;
};

}  // namespace siglip
