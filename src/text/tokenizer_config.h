// What tokenizer_config.json and the model's own configuration say about a tokenizer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/added_tokens.h"

namespace siglip {

struct TokenizerConfig {
  std::string name = "tokenizer_config.json";  ///< What errors call the file.
  std::string tokenizer_class;                 ///< Empty where the file does not say.
  std::optional<std::string> eos_token;
  std::optional<std::string> pad_token;
  std::optional<std::string> bos_token;
  std::optional<std::string> unk_token;
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;
  bool do_lower_case = true;
  std::optional<int64_t> model_max_length;
  std::optional<bool> pads_left;       ///< padding_side
  std::optional<bool> truncates_left;  ///< truncation_side
  bool split_special_tokens = false;
  int64_t extra_ids = 100;               ///< Of T5Tokenizer: tokens <extra_id_0>, ...
  bool has_added_tokens = false;         ///< Whether there is an added_tokens_decoder.
  std::vector<AddedToken> added_tokens;  ///< added_tokens_decoder
  /// Of all fields that end in "_token": their keys and what they name.
  std::vector<std::pair<std::string, std::string>> named_tokens;
  std::vector<std::string> additional_tokens;  ///< additional_special_tokens
  bool lists_additional_tokens = false;        ///< Whether there is such a list, empty or not.
};

/// `name` is what errors call the file.
TokenizerConfig ParseTokenizerConfig(const Json& json, const std::string& name);

/// Of a folder; the defaults where it has no tokenizer_config.json. Without an added_tokens_decoder
/// there, special_tokens_map.json counts more, as in transformers.
TokenizerConfig ReadTokenizerConfig(const std::filesystem::path& folder);

/// One entry of a list of added tokens: content and flags, without the id.
AddedToken ParseAddedToken(const Json& fields, const std::string& key, const std::string& name);

/// A number of ids per text. Throws Error(kMalformedFile) unless 1 <= count <= kMaxTokensPerText.
int64_t CheckedTokenCount(const Json& value, const std::string& key, const std::string& name);

/// Throws Error(kMalformedFile) unless 0 <= id < kMaxTokenIds.
inline constexpr int64_t kMaxTokenIds = int64_t{1} << 24;
int32_t CheckedTokenId(int64_t id, const std::string& key, const std::string& name);

}  // namespace siglip
