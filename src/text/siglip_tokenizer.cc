// See siglip_tokenizer.h. Source: transformers models/siglip/tokenization_siglip.py and
// tokenization_python.py, version 5.
#include "text/siglip_tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/file_kind.h"
#include "base/mapped_file.h"
#include "siglip/error.hpp"
#include "text/unicode_text.h"

namespace siglip {
namespace {

SentencePieceModel OpenModel(const std::filesystem::path& path) {
  const MappedFile file = MappedFile::Open(path);
  RefuseForeignFile(file.bytes(), path.string(), "a sentencepiece model");
  return {file.bytes(), path.string()};
}

}  // namespace

std::string CanonicalText(std::string_view text, bool lower) {
  const std::string lowered = lower ? LowerAsPython(text) : std::string(text);
  std::string canonical;
  canonical.reserve(lowered.size());
  bool space_is_due = false;
  for (size_t i = 0; i < lowered.size();) {
    const auto [character, size] = FirstCharacter(std::string_view(lowered).substr(i));
    if (IsPythonSpace(character)) {
      space_is_due = true;
    } else if (!IsAsciiPunctuation(character)) {
      if (space_is_due && !canonical.empty()) canonical += ' ';
      space_is_due = false;
      canonical.append(lowered, i, size);
    }
    i += size;
  }
  return canonical;
}

SiglipTokenizer::SiglipTokenizer(const std::filesystem::path& path, const TokenizerConfig& config,
                                 int64_t max_length)
    : model_(OpenModel(path)),
      model_name_(path.string()),
      do_lower_case_(config.do_lower_case),
      unk_token_(config.unk_token.value_or("<unk>")),
      unk_length_(model_.Encode(unk_token_).size()),
      space_id_(model_.Find(kSpacePiece)),
      vocab_size_(model_.size()) {
  AddTokens(config);
  Framing framing;
  framing.max_length = max_length;
  framing.after = {IdOf(config.eos_token.value_or("</s>"))};
  framing.after_once = true;
  framing.pad_id = IdOf(config.pad_token.value_or("</s>"));
  SetFraming(std::move(framing));
}

/// Those of added_tokens_decoder with the ids it gives, then the special tokens with those they
/// have in the vocabulary. Stripping white space beside them changes nothing, since every stretch
/// of text between tokens is stripped anyway.
void SiglipTokenizer::AddTokens(const TokenizerConfig& config) {
  const auto is_known = [&](const std::string& content) {
    return std::ranges::find(tokens_, content, &AddedToken::content) != tokens_.end();
  };
  for (const AddedToken& token : config.added_tokens) {
    if (token.single_word) {
      throw Error(ErrorCode::kUnsupported, config.name + ": added token \"" + token.content +
                                               "\": field 'single_word': expected false");
    }
    const bool is_new = !is_known(token.content) &&
                        std::ranges::find(tokens_, token.id, &AddedToken::id) == tokens_.end();
    if (!is_new || model_.Find(token.content).value_or(token.id) != token.id) {
      throw Error(ErrorCode::kMalformedFile, config.name + ": added token \"" + token.content +
                                                 "\": its id " + std::to_string(token.id) +
                                                 " belongs to another or it has two");
    }
    tokens_.push_back(token);
  }
  std::vector<std::string> special = config.additional_tokens;
  special.insert(special.begin(), {config.eos_token.value_or("</s>"), unk_token_,
                                   config.pad_token.value_or("</s>")});
  for (const std::string& content : special) {
    if (is_known(content)) continue;
    const auto id = model_.Find(content);
    if (!id) {
      throw Error(ErrorCode::kMismatch,
                  model_name_ + ": has no piece \"" + content + "\" for a special token",
                  "special tokens are named in tokenizer_config.json, with new ids for them in its "
                  "added_tokens_decoder");
    }
    AddedToken token;
    token.content = content;
    token.id = *id;
    tokens_.push_back(std::move(token));
  }
  std::ranges::sort(tokens_, {}, &AddedToken::id);
  vocab_size_ = std::max<int64_t>(vocab_size_, int64_t{tokens_.back().id} + 1);
  added_tokens_ = AddedTokens(tokens_);
}

int32_t SiglipTokenizer::IdOf(const std::string& token) const {
  return std::ranges::find(tokens_, token, &AddedToken::content)->id;
}

std::string SiglipTokenizer::Piece(int64_t id) const {
  const auto added = std::ranges::find(tokens_, id, &AddedToken::id);
  if (added != tokens_.end()) return added->content;
  if (id >= 0 && id < model_.size()) return model_.Piece(static_cast<int32_t>(id));
  throw Error(ErrorCode::kInvalidArgument, "tokenizer: no piece has the id " + std::to_string(id));
}

void SiglipTokenizer::Encode(std::string_view text, std::vector<int32_t>& ids) const {
  const std::string prefixed = std::string(kSpacePiece) + ReplaceAll(text, kSpacePiece, " ");
  for (const auto& [stretch, id] : added_tokens_.Split(prefixed)) {
    if (id == AddedTokens::kNoToken) {
      EncodeStretch(stretch, ids);
      continue;
    }
    // The space that was put before the text does not stand alone before a token.
    if (ids.size() == 1 && ids[0] == space_id_) ids.clear();
    ids.push_back(id);
  }
}

/// The library puts a space before every text. The text of the unknown token takes it, and its
/// pieces are dropped, as many as it has alone.
void SiglipTokenizer::EncodeStretch(std::string_view text, std::vector<int32_t>& ids) const {
  const std::vector<int> pieces = model_.Encode(unk_token_ + CanonicalText(text, do_lower_case_));
  const size_t dropped = pieces.size() >= unk_length_ ? unk_length_ : 0;
  ids.insert(ids.end(), pieces.begin() + static_cast<ptrdiff_t>(dropped), pieces.end());
}

}  // namespace siglip
