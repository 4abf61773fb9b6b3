// The tokenizer of SigLIP 2: lower case, then Gemma's byte pair encoding out of tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "siglip/tokenizer.h"
#include "text/added_tokens.h"
#include "text/bpe_model.h"
#include "text/normalizer.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

namespace siglip {

class Siglip2Tokenizer final : public Tokenizer {
 public:
  /// `name` is what errors call the tokenizer.json.
  Siglip2Tokenizer(TokenizerJson file, const TokenizerConfig& config, int64_t max_length,
                   bool keep_file_case, const std::string& name);

  std::string_view name() const override { return "Siglip2Tokenizer"; }
  int64_t vocab_size() const override { return vocab_size_; }
  std::string Piece(int64_t id) const override;

 private:
  void AddTokens(std::vector<AddedToken> tokens, const std::string& name);
  int32_t IdOf(const std::optional<std::string>& token, const std::string& otherwise,
               const std::string& name) const;

  void Encode(std::string_view text, std::vector<int32_t>& ids) const override;
  void EncodeNormalized(std::string_view text, std::vector<int32_t>& ids) const;

  BpeModel model_;
  Normalizer normalizer_;
  std::string word_end_;
  AddedTokens verbatim_tokens_;                                // found in the text as it is
  AddedTokens normalized_tokens_;                              // found in what is normalised
  std::vector<std::pair<int32_t, std::string>> extra_pieces_;  // that the model has not, sorted
  int64_t vocab_size_ = 0;
};

}  // namespace siglip
