// The tokenizer of SigLIP: canonical text, then the unigram model of a spiece.model.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/transformers/tokenizer.hpp"
#include "text/added_tokens.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_config.h"

namespace siglip {

class SiglipTokenizer final : public Tokenizer {
 public:
  SiglipTokenizer(const std::filesystem::path& path, const TokenizerConfig& config,
                  int64_t max_length);

  std::string_view name() const override { return "SiglipTokenizer"; }
  int64_t vocab_size() const override { return vocab_size_; }
  std::string Piece(int64_t id) const override;

 private:
  void AddTokens(const TokenizerConfig& config);
  int32_t IdOf(const std::string& token) const;

  void Encode(std::string_view text, std::vector<int32_t>& ids) const override;
  void EncodeStretch(std::string_view text, std::vector<int32_t>& ids) const;
  std::string Canonical(std::string_view text) const;

  SentencePieceModel model_;
  std::string model_name_;
  bool do_lower_case_;
  std::string unk_token_;
  size_t unk_length_;                // pieces that the text of unk_token_ is cut into
  std::vector<AddedToken> tokens_;   // sorted by id
  AddedTokens added_tokens_;         // the same, to be found in texts
  std::optional<int32_t> space_id_;  // of the piece that is a space and nothing else
  int64_t vocab_size_;
};

/// The text in lower case if `lower`, without ASCII punctuation, every stretch of white space one
/// space, none at the ends: canonicalize_text of the reference.
std::string CanonicalText(std::string_view text, bool lower);

}  // namespace siglip
