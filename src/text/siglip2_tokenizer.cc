// See siglip2_tokenizer.h. Source: tokenizers, tokenizer/mod.rs and added_vocabulary.rs;
// transformers models/siglip2/tokenization_siglip2.py, version 5.
#include "text/siglip2_tokenizer.h"

#include <algorithm>

#include "siglip/error.h"

namespace siglip {

Siglip2Tokenizer::Siglip2Tokenizer(TokenizerJson file, const TokenizerConfig& config,
                                   int64_t max_length, bool keep_file_case, const std::string& name)
    : model_(std::move(file.model), name),
      normalizer_(keep_file_case || file.normalizer.lowers_case()
                      ? std::move(file.normalizer)
                      : file.normalizer.AfterLowercase()),
      word_end_(std::move(file.word_end)),
      vocab_size_(model_.largest_id() + 1) {
  AddTokens(std::move(file.added_tokens), name);
  Framing framing;
  framing.max_length = max_length;
  framing.pad_id = IdOf(config.pad_token, "<pad>", name);
  framing.before = std::move(file.before);
  framing.after = std::move(file.after);
  // The flags of tokenizer_config.json, where there are any, count more than the template; without
  // both, SigLIP 2 ends a text with <eos>.
  if (config.add_bos_token || config.add_eos_token || !file.has_template) {
    framing.before.clear();
    framing.after.clear();
    if (config.add_bos_token.value_or(false)) {
      framing.before.push_back(IdOf(config.bos_token, "<bos>", name));
    }
    if (config.add_eos_token.value_or(!file.has_template && !config.add_bos_token)) {
      framing.after.push_back(IdOf(config.eos_token, "<eos>", name));
    }
  }
  SetFraming(std::move(framing));
}

void Siglip2Tokenizer::AddTokens(std::vector<AddedToken> tokens, const std::string& name) {
  std::vector<AddedToken> verbatim;
  std::vector<AddedToken> normalized;
  for (AddedToken& token : tokens) {
    if (model_.Piece(token.id) == nullptr) extra_pieces_.emplace_back(token.id, token.content);
    vocab_size_ = std::max<int64_t>(vocab_size_, int64_t{token.id} + 1);
    if (token.normalized) token.content = normalizer_(token.content);
    (token.normalized ? normalized : verbatim).push_back(std::move(token));
  }
  std::ranges::sort(extra_pieces_);
  std::ranges::sort(normalized, {}, &AddedToken::content);
  const auto twice = std::ranges::adjacent_find(normalized, {}, &AddedToken::content);
  if (twice != normalized.end() || (!normalized.empty() && normalized[0].content.empty())) {
    throw Error(ErrorCode::kMalformedFile,
                name +
                    ": field 'added_tokens': normalised, two tokens are the same or one is "
                    "empty");
  }
  verbatim_tokens_ = AddedTokens(std::move(verbatim));
  normalized_tokens_ = AddedTokens(std::move(normalized));
}

int32_t Siglip2Tokenizer::IdOf(const std::optional<std::string>& token,
                               const std::string& otherwise, const std::string& name) const {
  const std::string& wanted = token ? *token : otherwise;
  if (const auto id = model_.Find(wanted)) return *id;
  const auto extra =
      std::ranges::find(extra_pieces_, wanted, &std::pair<int32_t, std::string>::second);
  if (extra != extra_pieces_.end()) return extra->first;
  throw Error(ErrorCode::kMismatch, name + ": has no token \"" + wanted + "\"",
              "the special tokens are named in tokenizer_config.json");
}

std::string Siglip2Tokenizer::Piece(int64_t id) const {
  if (const std::string* piece = model_.Piece(id)) return *piece;
  const auto extra =
      std::ranges::lower_bound(extra_pieces_, id, {}, &std::pair<int32_t, std::string>::first);
  if (extra != extra_pieces_.end() && extra->first == id) return extra->second;
  throw Error(ErrorCode::kInvalidArgument, "tokenizer: no piece has the id " + std::to_string(id));
}

void Siglip2Tokenizer::Encode(std::string_view text, std::vector<int32_t>& ids) const {
  for (const auto& [stretch, id] : verbatim_tokens_.Split(text)) {
    if (id != AddedTokens::kNoToken) {
      ids.push_back(id);
    } else {
      EncodeNormalized(normalizer_(stretch), ids);
    }
  }
}

void Siglip2Tokenizer::EncodeNormalized(std::string_view text, std::vector<int32_t>& ids) const {
  for (auto [stretch, id] : normalized_tokens_.Split(text)) {
    if (id != AddedTokens::kNoToken) {
      ids.push_back(id);
      continue;
    }
    while (!word_end_.empty() && !stretch.empty()) {
      const size_t found = stretch.find(word_end_);
      if (found == std::string_view::npos) break;
      model_.Encode(stretch.substr(0, found + word_end_.size()), ids);
      stretch.remove_prefix(found + word_end_.size());
    }
    if (!stretch.empty()) model_.Encode(stretch, ids);
  }
}

}  // namespace siglip
