// See tokenizer_json.h. Source: tokenizers, the `Deserialize` implementations of tokenizer/,
// models/bpe/, normalizers/, pre_tokenizers/split.rs and processors/template.rs.
#include "text/tokenizer_json.h"

#include <algorithm>
#include <set>
#include <utility>

#include "siglip/error.h"
#include "text/tokenizer_config.h"

namespace siglip {
namespace {

constexpr size_t kMaxNormalizerSteps = 8;
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

BpeParameters ReadModel(const Field& model) {
  if (model.Find("type") != nullptr && model["type"].String() != "BPE") {
    throw model["type"].Unsupported("\"BPE\"", "the tokenizer of SigLIP is read from spiece.model");
  }
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

/// Ids are counted on from the vocabulary, as the original does whatever the file says. Where the
/// file says something else, one of the two is not what the model was trained with.
std::vector<AddedToken> ReadAddedTokens(const Field& tokens, const Field& vocab) {
  std::vector<AddedToken> added;
  if (tokens.value.is_null()) return added;
  std::set<std::string> contents;
  auto next_id = static_cast<int64_t>(vocab.value.size());
  for (size_t i = 0; i < tokens.Array().size(); ++i) {
    const Field fields = tokens[i];
    AddedToken token = ParseAddedToken(fields.value, fields.key, fields.name);
    const Field id = fields["id"];
    token.id = CheckedTokenId(JsonInteger(id.value, id.key, id.name), id.key, id.name);
    if (!contents.insert(token.content).second) {
      throw fields["content"].Malformed("\"" + token.content + "\" is there twice");
    }
    const Json* known = vocab.Find(token.content);
    const int64_t expected = known == nullptr ? next_id++ : known->get<int64_t>();
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

Normalizer::Step ReadNormalizerStep(const Field& normalizer) {
  const std::string type = normalizer["type"].String();
  if (type == "Lowercase") return {Normalizer::Step::Kind::kLowercase, {}, {}};
  if (type != "Replace") {
    throw normalizer["type"].Unsupported("\"Lowercase\", \"Replace\" or \"Sequence\"");
  }
  Normalizer::Step step{Normalizer::Step::Kind::kReplace, ReadPattern(normalizer["pattern"]),
                        normalizer["content"].String()};
  if (step.content.size() > kMaxPatternBytes) {
    throw normalizer["content"].Malformed("more than " + std::to_string(kMaxPatternBytes) +
                                          " bytes");
  }
  return step;
}

Normalizer ReadNormalizer(const Field& normalizer) {
  if (normalizer.value.is_null()) return {};
  std::vector<Normalizer::Step> steps;
  if (normalizer["type"].String() != "Sequence") {
    steps.push_back(ReadNormalizerStep(normalizer));
  } else {
    const Field sequence = normalizer["normalizers"];
    if (sequence.Array().size() > kMaxNormalizerSteps) {
      throw sequence.Unsupported("at most " + std::to_string(kMaxNormalizerSteps) + " steps");
    }
    for (size_t i = 0; i < sequence.value.size(); ++i) {
      steps.push_back(ReadNormalizerStep(sequence[i]));
    }
  }
  return Normalizer(std::move(steps));
}

std::string ReadPreTokenizer(const Field& pre_tokenizer) {
  if (pre_tokenizer.value.is_null()) return {};
  if (pre_tokenizer["type"].String() != "Split") {
    throw pre_tokenizer["type"].Unsupported("\"Split\"");
  }
  if (pre_tokenizer["behavior"].String() != "MergedWithPrevious") {
    throw pre_tokenizer["behavior"].Unsupported("\"MergedWithPrevious\"");
  }
  if (pre_tokenizer.Bool("invert", false)) throw pre_tokenizer["invert"].Unsupported("false");
  return ReadPattern(pre_tokenizer["pattern"]);
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

}  // namespace

TokenizerJson ParseTokenizerJson(const Json& json, const std::string& name) {
  const Field file{json, "", name};
  if (file.Find("version") != nullptr && file["version"].String() != "1.0") {
    throw file["version"].Unsupported("\"1.0\"");
  }
  TokenizerJson tokenizer;
  tokenizer.model = ReadModel(file["model"]);
  tokenizer.added_tokens = ReadAddedTokens(file["added_tokens"], file["model"]["vocab"]);
  tokenizer.normalizer = ReadNormalizer(file["normalizer"]);
  tokenizer.word_end = ReadPreTokenizer(file["pre_tokenizer"]);
  ReadPostProcessor(file["post_processor"], tokenizer);
  return tokenizer;
}

}  // namespace siglip
