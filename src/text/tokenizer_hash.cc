// See tokenizer_hash.h.
#include "text/tokenizer_hash.h"

#include <optional>

#include "base/json.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "text/text_input.h"
#include "text/tokenizer_config.h"

namespace siglip {
namespace {

template <class Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

/// All but how files are called, and what the tokenizer says itself.
Json FieldsOf(const TokenizerConfig& config) {
  Json tokens = Json::array();
  for (const AddedToken& token : config.added_tokens) {
    tokens.push_back(
        {token.content, token.id, token.single_word, token.lstrip, token.rstrip, token.normalized});
  }
  return {{"tokenizer_class", config.tokenizer_class},
          {"eos_token", OrNull(config.eos_token)},
          {"pad_token", OrNull(config.pad_token)},
          {"bos_token", OrNull(config.bos_token)},
          {"unk_token", OrNull(config.unk_token)},
          {"add_bos_token", OrNull(config.add_bos_token)},
          {"add_eos_token", OrNull(config.add_eos_token)},
          {"do_lower_case", config.do_lower_case},
          {"pads_left", OrNull(config.pads_left)},
          {"extra_ids", config.extra_ids},
          {"has_added_tokens", config.has_added_tokens},
          {"added_tokens", tokens},
          {"named_tokens", config.named_tokens},
          {"additional_tokens", config.additional_tokens},
          {"lists_additional_tokens", config.lists_additional_tokens}};
}

}  // namespace

std::string TokenizerHash(const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  const TokenizerConfig config = ReadTokenizerConfig(folder);
  const Json settings = {{"name", std::string(tokenizer.name())},
                         {"is_open_clip", ReadTextInput(folder, config).is_open_clip},
                         {"cleaning", static_cast<int>(tokenizer.cleaning())},
                         {"max_length", tokenizer.max_length()},
                         {"config", FieldsOf(config)}};
  const bool is_sentencepiece = tokenizer.name() == "SiglipTokenizer";
  const MappedFile vocabulary =
      MappedFile::Open(folder / (is_sentencepiece ? "spiece.model" : "tokenizer.json"));
  Sha256 hash;
  hash.Add(JsonText(settings) + "\n");
  hash.Add(vocabulary.bytes());
  return hash.Finish();
}

}  // namespace siglip
