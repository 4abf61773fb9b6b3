// See tokenizer_json.h. Source: tokenizers, the `Deserialize` implementations of tokenizer/,
// models/, normalizers/, pre_tokenizers/ and processors/template.rs; transformers 5.24,
// models/t5/tokenization_t5.py.
#include "text/tokenizer_json.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "siglip/error.hpp"
#include "text/character_map.h"
#include "text/tokenizer_config.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr size_t kMaxSteps = 8;
constexpr size_t kMaxPatternBytes = 256;
constexpr size_t kMaxFramingTokens = 64;

/// A field of a part of the file, with what errors need to name it.
struct Field {
  const Json& value;
  std::string key;
  const std::string& name;

  /// Null where it is absent or null.
  const Json* Find(const std::string& inner) const {
    const auto found = Object().find(inner);
    return found == Object().end() || found->is_null() ? nullptr : &*found;
  }
  std::string KeyOf(const std::string& inner) const {
    return key.empty() ? inner : key + "." + inner;
  }
  /// A field that must be there; where it is not, the value is null, which no type accepts.
  Field operator[](const std::string& inner) const {
    static const Json kMissing;
    const Json* found = Find(inner);
    return {found == nullptr ? kMissing : *found, KeyOf(inner), name};
  }
  Field operator[](size_t index) const {
    return {value[index], key + "[" + std::to_string(index) + "]", name};
  }

  const Json& Object() const { return JsonObject(value, key.empty() ? "(whole file)" : key, name); }
  const Json& Array() const { return JsonArray(value, key, name); }
  std::string String() const { return JsonString(value, key, name); }
  bool Bool(const std::string& inner, bool otherwise) const {
    const Json* found = Find(inner);
    return found == nullptr ? otherwise : JsonBool(*found, KeyOf(inner), name);
  }

  Error Malformed(const std::string& what) const {
    return Error(ErrorCode::kMalformedFile, name + ": field '" + key + "': " + what);
  }
  Error Unsupported(const std::string& expected, const std::string& hint = {}) const {
    return Error(
        ErrorCode::kUnsupported,
        name + ": field '" + key + "': expected " + expected + ", found " + ShownJson(value), hint);
  }
};

/// Refuses a field that has any other value than those in which it changes nothing.
void RequireNeutral(const Field& part, const char* key) {
  const Json* found = part.Find(key);
  if (found == nullptr || *found == Json(0.0) || *found == Json(std::string())) return;
  throw part[key].Unsupported("nothing");
}

void ReadMerges(const Field& merges, BpeParameters& model) {
  model.merges.reserve(merges.Array().size());
  for (size_t i = 0; i < merges.value.size(); ++i) {
    const Json& merge = merges.value[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      model.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    const auto text = merge.is_string() ? merge.get<std::string>() : std::string();
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      throw merges[i].Malformed("expected a pair of tokens");
    }
    model.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
}

BpeParameters ReadBpe(const Field& model) {
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    RequireNeutral(model, key);
  }
  BpeParameters parameters;
  const Field vocab = model["vocab"];
  parameters.vocab.reserve(vocab.Object().size());
  for (const auto& [token, id] : vocab.value.items()) {
    parameters.vocab.emplace_back(
        JsonKey(token, vocab.key, vocab.name),
        CheckedTokenId(JsonInteger(id, vocab.key, vocab.name), vocab.key, vocab.name));
  }
  ReadMerges(model["merges"], parameters);
  if (model.Find("unk_token") != nullptr) parameters.unk_token = model["unk_token"].String();
  parameters.fuse_unk = model.Bool("fuse_unk", false);
  parameters.byte_fallback = model.Bool("byte_fallback", false);
  parameters.ignore_merges = model.Bool("ignore_merges", false);
  return parameters;
}

UnigramParameters ReadUnigram(const Field& model) {
  UnigramParameters parameters;
  const Field vocab = model["vocab"];
  const auto size = static_cast<int64_t>(vocab.Array().size());
  if (size > kMaxTokenIds) throw vocab.Unsupported("at most " + std::to_string(kMaxTokenIds));
  parameters.vocab.reserve(vocab.value.size());
  for (size_t i = 0; i < vocab.value.size(); ++i) {
    const Json& entry = vocab.value[i];
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      throw vocab[i].Malformed("expected a piece and its score");
    }
    parameters.vocab.emplace_back(entry[0].get<std::string>(), entry[1].get<double>());
  }
  const Field unk_id = model["unk_id"];
  parameters.unk_id =
      CheckedTokenId(JsonInteger(unk_id.value, unk_id.key, unk_id.name), unk_id.key, unk_id.name);
  parameters.byte_fallback = model.Bool("byte_fallback", false);
  return parameters;
}

std::variant<BpeParameters, UnigramParameters> ReadModel(const Field& model) {
  const std::string type = model.Find("type") == nullptr ? "BPE" : model["type"].String();
  if (type == "Unigram") return ReadUnigram(model);
  if (type == "BPE") return ReadBpe(model);
  throw model["type"].Unsupported("\"BPE\" or \"Unigram\"");
}

/// Which id the vocabulary gives a token, if any.
class KnownIds {
 public:
  /// `vocab` is the field that the model was read from.
  KnownIds(const Field& vocab, const std::variant<BpeParameters, UnigramParameters>& model)
      : vocab_(vocab), size_(static_cast<int64_t>(vocab.value.size())) {
    const auto* unigram = std::get_if<UnigramParameters>(&model);
    if (unigram == nullptr) return;
    int64_t id = 0;
    for (const auto& [piece, score] : unigram->vocab) pieces_[piece] = id++;
  }

  int64_t size() const { return size_; }
  std::optional<int64_t> Find(const std::string& token) const {
    if (vocab_.value.is_object()) {
      const Json* id = vocab_.Find(token);
      return id == nullptr ? std::nullopt : std::optional(id->get<int64_t>());
    }
    const auto found = pieces_.find(token);
    return found == pieces_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  const Field& vocab_;
  int64_t size_;
  std::unordered_map<std::string_view, int64_t> pieces_;
};

/// Ids are counted on from the vocabulary, as the original does whatever the file says. Where the
/// file says something else, one of the two is not what the model was trained with.
std::vector<AddedToken> ReadAddedTokens(const Field& tokens, const KnownIds& known) {
  std::vector<AddedToken> added;
  if (tokens.value.is_null()) return added;
  std::set<std::string> contents;
  int64_t next_id = known.size();
  for (size_t i = 0; i < tokens.Array().size(); ++i) {
    const Field fields = tokens[i];
    AddedToken token = ParseAddedToken(fields.value, fields.key, fields.name);
    const Field id = fields["id"];
    token.id = CheckedTokenId(JsonInteger(id.value, id.key, id.name), id.key, id.name);
    if (!contents.insert(token.content).second) {
      throw fields["content"].Malformed("\"" + token.content + "\" is there twice");
    }
    const auto known_id = known.Find(token.content);
    const int64_t expected = known_id ? *known_id : next_id++;
    if (token.id != expected) {
      throw id.Malformed("expected " + std::to_string(expected) + ", found " +
                         std::to_string(token.id));
    }
    added.push_back(std::move(token));
  }
  return added;
}

std::string ReadPattern(const Field& pattern) {
  if (pattern.value.is_object() && pattern.Find("Regex") != nullptr) {
    throw pattern.Unsupported("{\"String\": ...}");
  }
  std::string text = pattern["String"].String();
  if (text.empty() || text.size() > kMaxPatternBytes) {
    throw pattern.Malformed("expected 1 to " + std::to_string(kMaxPatternBytes) + " bytes, found " +
                            std::to_string(text.size()));
  }
  return text;
}

/// At most `most` bytes of text.
std::string ReadShortText(const Field& text, size_t most) {
  std::string content = text.String();
  if (content.size() > most) throw text.Malformed("more than " + std::to_string(most) + " bytes");
  return content;
}

/// The bytes that a text in base 64 stands for.
std::string ReadBase64(const Field& field) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string text = field.String();
  const size_t digits = std::min(text.find('='), text.size());
  const bool is_padded = text.size() % 4 == 0 && text.size() - digits <= 2 &&
                         text.find_first_not_of('=', digits) == std::string::npos;
  std::string bytes;
  uint32_t bits = 0;
  for (size_t i = 0; i < digits; ++i) {
    const size_t digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos || !is_padded) {
      throw field.Malformed("expected text in base 64");
    }
    bits = bits << 6 | static_cast<uint32_t>(digit);
    // Of every four digits all but the first complete a byte.
    if (i % 4 != 0) bytes += static_cast<char>(bits >> (6 - 2 * (i % 4)));
  }
  return bytes;
}

Normalizer::Step ReadCharacterMap(const Field& normalizer) {
  const Field map = normalizer["precompiled_charsmap"];
  return {.kind = Normalizer::Step::Kind::kMap,
          .map = std::make_shared<const CharacterMap>(ReadBase64(map),
                                                      map.name + ": field '" + map.key + "'")};
}

Normalizer::Step ReadReplace(const Field& normalizer) {
  const Field pattern = normalizer["pattern"];
  Normalizer::Step step{.kind = Normalizer::Step::Kind::kReplace,
                        .content = ReadShortText(normalizer["content"], kMaxPatternBytes)};
  const Json* regex = pattern.value.is_object() ? pattern.Find("Regex") : nullptr;
  if (regex != nullptr && *regex == " {2,}") {
    step.kind = Normalizer::Step::Kind::kReplaceSpaces;
  } else {
    step.pattern = ReadPattern(pattern);
  }
  return step;
}

Normalizer::Step ReadNormalizerStep(const Field& normalizer) {
  using Kind = Normalizer::Step::Kind;
  const std::string type = normalizer["type"].String();
  if (type == "Lowercase") return {.kind = Kind::kLowercase};
  if (type == "Replace") return ReadReplace(normalizer);
  if (type == "Precompiled") return ReadCharacterMap(normalizer);
  if (type == "Prepend") {
    return {.kind = Kind::kPrepend,
            .content = ReadShortText(normalizer["prepend"], kMaxPatternBytes)};
  }
  if (type == "Strip") {
    return {.kind = Kind::kStrip,
            .strip_left = normalizer.Bool("strip_left", false),
            .strip_right = normalizer.Bool("strip_right", false)};
  }
  throw normalizer["type"].Unsupported(
      "\"Lowercase\", \"Replace\", \"Precompiled\", \"Prepend\", \"Strip\" or \"Sequence\"");
}

/// The steps of a part: itself, or those of a "Sequence" in its field `key`.
std::vector<Field> StepsOf(const Field& part, const char* key) {
  if (part.value.is_null()) return {};
  if (part["type"].String() != "Sequence") return {part};
  const Field sequence = part[key];
  if (sequence.Array().size() > kMaxSteps) {
    throw sequence.Unsupported("at most " + std::to_string(kMaxSteps) + " steps");
  }
  std::vector<Field> steps;
  for (size_t i = 0; i < sequence.value.size(); ++i) steps.push_back(sequence[i]);
  return steps;
}

Normalizer ReadNormalizer(const Field& normalizer) {
  std::vector<Normalizer::Step> steps;
  for (const Field& step : StepsOf(normalizer, "normalizers")) {
    steps.push_back(ReadNormalizerStep(step));
  }
  return Normalizer(std::move(steps));
}

PreTokenizer::Step ReadMetaspace(const Field& metaspace) {
  PreTokenizer::Step step{.kind = PreTokenizer::Kind::kMetaspace,
                          .mark = metaspace["replacement"].String(),
                          .split = metaspace.Bool("split", true)};
  if (step.mark.empty() || FirstCharacter(step.mark).size != step.mark.size()) {
    throw metaspace["replacement"].Malformed("expected one character");
  }
  const bool has_scheme = metaspace.Find("prepend_scheme") != nullptr;
  const std::string scheme = has_scheme ? metaspace["prepend_scheme"].String() : "always";
  if (scheme == "first") {
    step.prepend = PreTokenizer::Prepend::kFirst;
  } else if (scheme == "never") {
    step.prepend = PreTokenizer::Prepend::kNever;
  } else if (scheme != "always") {
    throw metaspace["prepend_scheme"].Malformed("expected \"always\", \"first\" or \"never\"");
  }
  // Older files say it with a flag.
  if (!metaspace.Bool("add_prefix_space", true)) step.prepend = PreTokenizer::Prepend::kNever;
  return step;
}

PreTokenizer::Step ReadPreTokenizerStep(const Field& step) {
  const std::string type = step["type"].String();
  if (type == "Metaspace") return ReadMetaspace(step);
  if (type == "WhitespaceSplit") return {.kind = PreTokenizer::Kind::kWhitespaceSplit};
  if (type != "Split") {
    throw step["type"].Unsupported("\"Split\", \"WhitespaceSplit\" or \"Metaspace\"");
  }
  if (step["behavior"].String() != "MergedWithPrevious") {
    throw step["behavior"].Unsupported("\"MergedWithPrevious\"");
  }
  if (step.Bool("invert", false)) throw step["invert"].Unsupported("false");
  return {.kind = PreTokenizer::Kind::kSplitBehind, .mark = ReadPattern(step["pattern"])};
}

PreTokenizer ReadPreTokenizer(const Field& pre_tokenizer) {
  std::vector<PreTokenizer::Step> steps;
  for (const Field& step : StepsOf(pre_tokenizer, "pretokenizers")) {
    steps.push_back(ReadPreTokenizerStep(step));
  }
  return PreTokenizer(std::move(steps));
}

/// The template for a single text: special tokens before and after the sequence "A".
void ReadPostProcessor(const Field& processor, TokenizerJson& tokenizer) {
  if (processor.value.is_null()) return;
  if (processor["type"].String() != "TemplateProcessing") {
    throw processor["type"].Unsupported("\"TemplateProcessing\"");
  }
  const Field items = processor["single"];
  const Field special_tokens = processor["special_tokens"];
  for (size_t i = 0; i < items.Array().size(); ++i) {
    const Field item = items[i];
    if (item.Find("Sequence") != nullptr) {
      if (item["Sequence"]["id"].String() != "A") throw item.Malformed("expected sequence \"A\"");
      if (tokenizer.has_template) throw item.Unsupported("sequence \"A\" only once");
      tokenizer.has_template = true;
      continue;
    }
    const std::string token = item["SpecialToken"]["id"].String();
    const Field ids = special_tokens[token]["ids"];
    std::vector<int32_t>& side = tokenizer.has_template ? tokenizer.after : tokenizer.before;
    for (const Json& id : ids.Array()) {
      side.push_back(CheckedTokenId(JsonInteger(id, ids.key, ids.name), ids.key, ids.name));
    }
    if (side.size() > kMaxFramingTokens) {
      throw items.Unsupported("at most " + std::to_string(kMaxFramingTokens) + " tokens");
    }
  }
  if (!tokenizer.has_template) throw items.Malformed("expected sequence \"A\"");
}

/// "padding" and "truncation", which stand for what tokenizer_config.json leaves open.
void ReadPadding(const Field& file, TokenizerJson& tokenizer) {
  const auto is_left = [](const Field& part) -> std::optional<bool> {
    if (part.value.is_null() || part.Find("direction") == nullptr) return std::nullopt;
    return part["direction"].String() == "Left";
  };
  const Field padding = file["padding"];
  tokenizer.pads_left = is_left(padding);
  tokenizer.truncates_left = is_left(file["truncation"]).value_or(false);
  if (!padding.value.is_null() && padding.Find("pad_token") != nullptr) {
    tokenizer.pad_token = padding["pad_token"].String();
  }
}

/// The parts that every class of tokenizer takes from the file.
TokenizerJson ReadVocabulary(const Field& file) {
  if (file.Find("version") != nullptr && file["version"].String() != "1.0") {
    throw file["version"].Unsupported("\"1.0\"");
  }
  TokenizerJson tokenizer;
  const Field model = file["model"];
  tokenizer.model = ReadModel(model);
  const Field vocab = model["vocab"];
  tokenizer.added_tokens = ReadAddedTokens(file["added_tokens"], KnownIds(vocab, tokenizer.model));
  ReadPadding(file, tokenizer);
  return tokenizer;
}

}  // namespace

TokenizerJson ParseTokenizerJson(const Json& json, const std::string& name) {
  const Field file{json, "", name};
  TokenizerJson tokenizer = ReadVocabulary(file);
  tokenizer.normalizer = ReadNormalizer(file["normalizer"]);
  tokenizer.pre_tokenizer = ReadPreTokenizer(file["pre_tokenizer"]);
  ReadPostProcessor(file["post_processor"], tokenizer);
  return tokenizer;
}

TokenizerJson ParseGemmaTokenizerJson(const Json& json, const std::string& name) {
  const Field file{json, "", name};
  TokenizerJson tokenizer = ReadVocabulary(file);
  if (auto* model = std::get_if<BpeParameters>(&tokenizer.model)) {
    model->fuse_unk = true;
    model->byte_fallback = true;
    model->ignore_merges = false;
  }
  tokenizer.normalizer = Normalizer({{.kind = Normalizer::Step::Kind::kReplace,
                                      .pattern = " ",
                                      .content = std::string(kSpacePiece)}});
  tokenizer.pre_tokenizer = PreTokenizer({{.kind = PreTokenizer::Kind::kSplitBehind, .mark = " "}});
  ReadPostProcessor(file["post_processor"], tokenizer);
  return tokenizer;
}

TokenizerJson ParseT5TokenizerJson(const Json& json, const std::string& name) {
  constexpr int32_t kUnkId = 2;
  const Field file{json, "", name};
  TokenizerJson tokenizer = ReadVocabulary(file);
  auto* model = std::get_if<UnigramParameters>(&tokenizer.model);
  if (model == nullptr) {
    throw file["model"]["type"].Unsupported("\"Unigram\" for a T5Tokenizer");
  }
  model->unk_id = kUnkId;
  model->byte_fallback = false;
  for (const Field& step : StepsOf(file["normalizer"], "normalizers")) {
    if (step["type"].String() != "Precompiled") continue;
    tokenizer.normalizer = Normalizer({ReadCharacterMap(step)});
    break;
  }
  tokenizer.pre_tokenizer =
      PreTokenizer({{.kind = PreTokenizer::Kind::kWhitespaceSplit},
                    {.kind = PreTokenizer::Kind::kMetaspace, .mark = std::string(kSpacePiece)}});
  return tokenizer;
}

}  // namespace siglip
