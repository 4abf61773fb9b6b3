// tokenizer.json of the library `tokenizers`, as far as the tokenizers of Gemma's and T5's kind use
// it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "text/added_tokens.h"
#include "text/bpe_model.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/unigram_model.h"

namespace siglip {

struct TokenizerJson {
  std::variant<BpeParameters, UnigramParameters> model;
  std::vector<AddedToken> added_tokens;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  /// What the post-processor puts around the ids of a text; nothing if there is none.
  bool has_template = false;
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  std::optional<std::string> pad_token;
  std::optional<bool> pads_left;
  bool truncates_left = false;
};

/// Throws Error(kMalformedFile) for a file that breaks its format, Error(kUnsupported) naming the
/// part that this library does not do. `name` is what errors call the file.
TokenizerJson ParseTokenizerJson(const Json& json, const std::string& name);

/// The same as GemmaTokenizer of transformers builds it: of the file's normalisers none, in
/// particular not the one that lowers case.
TokenizerJson ParseGemmaTokenizerJson(const Json& json, const std::string& name);

/// The same as T5Tokenizer of transformers builds it: of the file's normalisers only the first
/// character map, pieces begin with U+2581 at white space, and no template.
TokenizerJson ParseT5TokenizerJson(const Json& json, const std::string& name);

}  // namespace siglip
