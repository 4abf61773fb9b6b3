// See json_tokenizer.h. Source: tokenizers, tokenizer/mod.rs and added_vocabulary.rs; transformers
// 5.24, tokenization_utils_base.py, tokenization_utils_tokenizers.py, models/siglip2, models/gemma
// and models/t5.
#include "text/json_tokenizer.h"

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>
#include <variant>

#include "siglip/error.hpp"
#include "text/bpe_model.h"
#include "text/unigram_model.h"

namespace siglip {
namespace {

struct DefaultToken {
  std::string_view key;
  const char* content;
};

/// What a class calls special where tokenizer_config.json does not say.
std::span<const DefaultToken> DefaultTokens(JsonTokenizerClass type) {
  static constexpr std::array<DefaultToken, 5> kGemma = {{{"bos_token", "<bos>"},
                                                          {"eos_token", "<eos>"},
                                                          {"unk_token", "<unk>"},
                                                          {"pad_token", "<pad>"},
                                                          {"mask_token", "<mask>"}}};
  static constexpr std::array<DefaultToken, 3> kT5 = {
      {{"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}}};
  switch (type) {
    case JsonTokenizerClass::kGemma:
    case JsonTokenizerClass::kSiglip2: return kGemma;
    case JsonTokenizerClass::kT5: return kT5;
    case JsonTokenizerClass::kBackend: return {};
  }
  return {};
}

/// Tokens with different contents; one that is put in again takes the place of the former.
class TokenList {
 public:
  explicit TokenList(std::vector<AddedToken> tokens) {
    for (AddedToken& token : tokens) Put(std::move(token));
  }

  const AddedToken* Find(const std::string& content) const {
    const auto found = places_.find(content);
    return found == places_.end() ? nullptr : &tokens_[found->second];
  }
  void Put(AddedToken token) {
    next_id_ = std::max(next_id_, token.id + 1);
    const auto [place, is_new] = places_.emplace(token.content, tokens_.size());
    if (is_new) {
      tokens_.push_back(std::move(token));
    } else {
      tokens_[place->second] = std::move(token);
    }
  }
  /// The next id behind a vocabulary of so many tokens.
  int32_t NextId(size_t vocabulary) const {
    return std::max(next_id_, static_cast<int32_t>(vocabulary));
  }
  std::vector<AddedToken> Take() { return std::move(tokens_); }

 private:
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, size_t> places_;
  int32_t next_id_ = 0;
};

std::unique_ptr<const TokenModel> MakeModel(
    std::variant<BpeParameters, UnigramParameters>& parameters, const JsonTokenizerSetup& setup,
    const std::string& name) {
  if (auto* bpe = std::get_if<BpeParameters>(&parameters)) {
    return std::make_unique<const BpeModel>(std::move(*bpe), name);
  }
  if (setup.type == JsonTokenizerClass::kGemma || setup.type == JsonTokenizerClass::kSiglip2) {
    throw Error(ErrorCode::kUnsupported,
                name + ": field 'model.type': expected \"BPE\" for a " +
                    setup.config.tokenizer_class + ", found \"Unigram\"",
                "'tokenizer_class' in tokenizer_config.json names another tokenizer than the file");
  }
  return std::make_unique<const UnigramModel>(std::move(std::get<UnigramParameters>(parameters)),
                                              name);
}

void RefuseOtherSides(const TokenizerJson& file, const TokenizerConfig& config,
                      const std::string& name) {
  if (config.truncates_left.value_or(file.truncates_left)) {
    throw Error(ErrorCode::kUnsupported,
                (config.truncates_left ? config.name + ": field 'truncation_side'"
                                       : name + ": field 'truncation.direction'") +
                    ": expected \"right\", found \"left\"");
  }
  if (config.split_special_tokens) {
    throw Error(ErrorCode::kUnsupported,
                config.name + ": field 'split_special_tokens': expected false, found true");
  }
}

}  // namespace

JsonTokenizer::JsonTokenizer(TokenizerJson file, const JsonTokenizerSetup& setup,
                             const std::string& name) {
  const bool is_bpe = std::holds_alternative<BpeParameters>(file.model);
  const bool is_siglip2 = is_bpe && !setup.is_open_clip;
  if (!is_siglip2) RefuseOtherSides(file, setup.config, name);
  model_ = MakeModel(file.model, setup, name);
  class_name_ = is_bpe                                  ? "Siglip2Tokenizer"
                : setup.type == JsonTokenizerClass::kT5 ? "T5Tokenizer"
                                                        : "TokenizersBackend";
  const bool lowers_case =
      (is_siglip2 || setup.type == JsonTokenizerClass::kSiglip2) && !setup.keep_file_case;
  normalizer_ = lowers_case && !file.normalizer.lowers_case() ? file.normalizer.AfterLowercase()
                                                              : std::move(file.normalizer);
  pre_tokenizer_ = std::move(file.pre_tokenizer);
  vocab_size_ = int64_t{model_->largest_id()} + 1;
  std::vector<AddedToken> tokens = TokensOfFiles(std::move(file.added_tokens), setup);
  for (const AddedToken& token : tokens) {
    vocab_size_ = std::max<int64_t>(vocab_size_, int64_t{token.id} + 1);
  }
  AppendSpecialTokens(setup, tokens);
  AddTokens(std::move(tokens), name);
  SetFraming(FramingOf(file, setup, name));
}

/// Those of tokenizer.json and of added_tokens_decoder in tokenizer_config.json, which takes the
/// place of the former but for kBackend.
std::vector<AddedToken> JsonTokenizer::TokensOfFiles(std::vector<AddedToken> tokens,
                                                     const JsonTokenizerSetup& setup) const {
  const TokenizerConfig& config = setup.config;
  if (!config.has_added_tokens) return tokens;
  if (setup.type != JsonTokenizerClass::kBackend) tokens.clear();
  TokenList list(std::move(tokens));
  std::vector<AddedToken> added = config.added_tokens;
  std::ranges::sort(added, {}, &AddedToken::id);
  for (AddedToken& token : added) {
    const auto known = model_->Find(token.content);
    const AddedToken* same = list.Find(token.content);
    const int32_t expected = known             ? *known
                             : same != nullptr ? same->id
                                               : list.NextId(model_->token_count());
    if (token.id != expected) {
      throw Error(ErrorCode::kMalformedFile, config.name + ": added token \"" + token.content +
                                                 "\": expected the id " + std::to_string(expected) +
                                                 ", found " + std::to_string(token.id));
    }
    list.Put(std::move(token));
  }
  return list.Take();
}

/// Those that tokenizer_config.json or the class names and that are not there yet. What the
/// vocabulary lacks gets the next ids, as in the original.
void JsonTokenizer::AppendSpecialTokens(const JsonTokenizerSetup& setup,
                                        std::vector<AddedToken>& tokens) const {
  const TokenizerConfig& config = setup.config;
  TokenList list(std::move(tokens));
  const auto append = [&](const std::string& content, bool may_be_new) {
    if (content.empty() || list.Find(content) != nullptr) return;
    const auto known = model_->Find(content);
    if (!known && !may_be_new) return;
    AddedToken token;
    token.content = content;
    token.id = known ? *known : list.NextId(model_->token_count());
    list.Put(std::move(token));
  };
  for (const auto& [key, token] : config.named_tokens) {
    append(token, token != config.pad_token && token != config.eos_token);
  }
  for (const auto& [key, token] : DefaultTokens(setup.type)) {
    const bool is_named = std::ranges::find(config.named_tokens, key, [](const auto& named) {
                            return std::string_view(named.first);
                          }) != config.named_tokens.end();
    if (!is_named) append(token, false);
  }
  for (const std::string& token : config.additional_tokens) append(token, true);
  if (setup.type == JsonTokenizerClass::kT5 && !config.lists_additional_tokens) {
    for (int64_t i = 0; i < config.extra_ids; ++i) {
      append("<extra_id_" + std::to_string(i) + ">", true);
    }
  }
  tokens = list.Take();
}

void JsonTokenizer::AddTokens(std::vector<AddedToken> tokens, const std::string& name) {
  std::vector<AddedToken> verbatim;
  std::vector<AddedToken> normalized;
  for (AddedToken& token : tokens) {
    if (model_->Piece(token.id) == nullptr) extra_pieces_.emplace_back(token.id, token.content);
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

Tokenizer::Framing JsonTokenizer::FramingOf(TokenizerJson& file, const JsonTokenizerSetup& setup,
                                            const std::string& name) const {
  using Class = JsonTokenizerClass;
  const TokenizerConfig& config = setup.config;
  const bool is_bpe = class_name_ == "Siglip2Tokenizer";
  const bool is_siglip2 = is_bpe && !setup.is_open_clip;
  Framing framing;
  framing.max_length = setup.max_length;
  std::optional<std::string> pad = config.pad_token;
  if (!pad && setup.type == Class::kBackend) pad = file.pad_token;
  // SigLIP was trained with texts that are padded with their end.
  const bool pads_with_end = !is_bpe && setup.type == Class::kBackend;
  framing.pad_id = IdOf(pad.value_or(pads_with_end ? "</s>" : "<pad>"), name);
  if (!is_siglip2) {
    const bool is_gemma = setup.type == Class::kGemma || setup.type == Class::kSiglip2;
    framing.pads_left = config.pads_left.value_or(file.pads_left.value_or(is_gemma));
  }
  if (setup.type == Class::kT5) {
    framing.after = {IdOf(config.eos_token.value_or("</s>"), name)};
    return framing;
  }
  framing.before = std::move(file.before);
  framing.after = std::move(file.after);
  // The flags of tokenizer_config.json, where there are any, count more than the template; without
  // both, SigLIP 2 ends a text with <eos>.
  if (is_siglip2 && (config.add_bos_token || config.add_eos_token || !file.has_template)) {
    framing.before.clear();
    framing.after.clear();
    if (config.add_bos_token.value_or(false)) {
      framing.before.push_back(IdOf(config.bos_token.value_or("<bos>"), name));
    }
    if (config.add_eos_token.value_or(!file.has_template && !config.add_bos_token)) {
      framing.after.push_back(IdOf(config.eos_token.value_or("<eos>"), name));
    }
  }
  return framing;
}

int32_t JsonTokenizer::IdOf(const std::string& token, const std::string& name) const {
  if (const auto id = model_->Find(token)) return *id;
  const auto extra =
      std::ranges::find(extra_pieces_, token, &std::pair<int32_t, std::string>::second);
  if (extra != extra_pieces_.end()) return extra->first;
  throw Error(ErrorCode::kMismatch, name + ": has no token \"" + token + "\"",
              "the special tokens are named in tokenizer_config.json");
}

std::string JsonTokenizer::Piece(int64_t id) const {
  if (const std::string* piece = model_->Piece(id)) return *piece;
  const auto extra =
      std::ranges::lower_bound(extra_pieces_, id, {}, &std::pair<int32_t, std::string>::first);
  if (extra != extra_pieces_.end() && extra->first == id) return extra->second;
  throw Error(ErrorCode::kInvalidArgument, "tokenizer: no piece has the id " + std::to_string(id));
}

void JsonTokenizer::Encode(std::string_view text, std::vector<int32_t>& ids) const {
  for (const auto& [stretch, id] : verbatim_tokens_.Split(text)) {
    if (id != AddedTokens::kNoToken) {
      ids.push_back(id);
      continue;
    }
    bool begins_text = stretch.data() == text.data();
    const std::string normalized = normalizer_(stretch, begins_text);
    EncodeNormalized(normalized, begins_text, ids);
  }
}

void JsonTokenizer::EncodeNormalized(std::string_view text, bool begins_text,
                                     std::vector<int32_t>& ids) const {
  for (const auto& [stretch, id] : normalized_tokens_.Split(text)) {
    if (id != AddedTokens::kNoToken) {
      ids.push_back(id);
      continue;
    }
    for (const std::string& word :
         pre_tokenizer_(stretch, begins_text && stretch.data() == text.data())) {
      model_->Encode(word, ids);
    }
  }
}

}  // namespace siglip
