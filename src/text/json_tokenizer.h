// The tokenizers that are read from tokenizer.json: SigLIP 2's, which lowers case and merges pairs
// of bytes, and T5's, which open_clip uses for SigLIP.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "siglip/transformers/tokenizer.hpp"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

namespace siglip {

/// Which class of transformers makes the tokenizer. kBackend (TokenizersBackend) takes all from the
/// file, the others build their own around its vocabulary.
enum class JsonTokenizerClass { kBackend, kGemma, kSiglip2, kT5 };

struct JsonTokenizerSetup {
  JsonTokenizerClass type = JsonTokenizerClass::kBackend;
  TokenizerConfig config = {};
  int64_t max_length = 0;
  bool keep_file_case = false;
  /// Does what open_clip gets of the class. Otherwise byte pairs are SigLIP 2's: in lower case,
  /// ended by <eos> and padded on the right whatever the files say.
  bool is_open_clip = false;
};

class JsonTokenizer final : public Tokenizer {
 public:
  /// The file must have been parsed for the class. `name` is what errors call it.
  JsonTokenizer(TokenizerJson file, const JsonTokenizerSetup& setup, const std::string& name);

  std::string_view name() const override { return class_name_; }
  int64_t vocab_size() const override { return vocab_size_; }
  std::string Piece(int64_t id) const override;

 private:
  std::vector<AddedToken> TokensOfFiles(std::vector<AddedToken> tokens,
                                        const JsonTokenizerSetup& setup) const;
  void AppendSpecialTokens(const JsonTokenizerSetup& setup, std::vector<AddedToken>& tokens) const;
  void AddTokens(std::vector<AddedToken> tokens, const std::string& name);
  Framing FramingOf(TokenizerJson& file, const JsonTokenizerSetup& setup,
                    const std::string& name) const;
  int32_t IdOf(const std::string& token, const std::string& name) const;

  void Encode(std::string_view text, std::vector<int32_t>& ids) const override;
  void EncodeNormalized(std::string_view text, bool begins_text, std::vector<int32_t>& ids) const;

  std::unique_ptr<const TokenModel> model_;
  std::string_view class_name_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  AddedTokens verbatim_tokens_;                                // found in the text as it is
  AddedTokens normalized_tokens_;                              // found in what is normalised
  std::vector<std::pair<int32_t, std::string>> extra_pieces_;  // that the model has not, sorted
  int64_t vocab_size_ = 0;
};

}  // namespace siglip
