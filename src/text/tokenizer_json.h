// tokenizer.json of the library `tokenizers`, as far as the tokenizers of Gemma's kind use it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/added_tokens.h"
#include "text/bpe_model.h"
#include "text/normalizer.h"

namespace siglip {

struct TokenizerJson {
  BpeParameters model;
  std::vector<AddedToken> added_tokens;
  Normalizer normalizer;
  std::string word_end;  ///< Words end behind each of these; empty: the text is one word.
  /// What the post-processor puts around the ids of a text; nothing if there is none.
  bool has_template = false;
  std::vector<int32_t> before;
  std::vector<int32_t> after;
};

/// Throws Error(kMalformedFile) for a file that breaks its format, Error(kUnsupported) naming the
/// part that this library does not do. `name` is what errors call the file.
TokenizerJson ParseTokenizerJson(const Json& json, const std::string& name);

}  // namespace siglip
