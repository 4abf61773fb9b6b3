// See tokenizer_config.h. Source: transformers tokenization_utils_base.py, version 5.
#include "text/tokenizer_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "base/file_system.h"
#include "siglip/error.hpp"
#include "siglip/transformers/tokenizer.hpp"

namespace siglip {
namespace {

constexpr int64_t kMaxExtraIds = 10'000;

/// A special token is named by its content alone or as an object with flags.
std::optional<std::string> TokenContent(const Json& fields, const char* key,
                                        const std::string& name) {
  const Json* token = JsonField(fields, key);
  if (token == nullptr) return std::nullopt;
  if (token->is_object()) return ParseAddedToken(*token, key, name).content;
  return JsonString(*token, key, name);
}

std::optional<bool> OptionalBool(const Json& fields, const char* key, const std::string& name) {
  const Json* flag = JsonField(fields, key);
  if (flag == nullptr) return std::nullopt;
  return JsonBool(*flag, key, name);
}

std::optional<bool> SideIsLeft(const Json& fields, const char* key, const std::string& name) {
  const Json* side = JsonField(fields, key);
  if (side == nullptr) return std::nullopt;
  if (*side == "left" || *side == "right") return *side == "left";
  throw Error(ErrorCode::kMalformedFile, name + ": field '" + key +
                                             "': expected \"left\" or \"right\", found " +
                                             side->dump(-1, ' ', true).substr(0, 60));
}

/// {"1": {"content": "</s>", ...}, ...}
void ReadAddedTokens(const Json& tokens, TokenizerConfig& config) {
  config.has_added_tokens = true;
  const std::string key = "added_tokens_decoder";
  for (const auto& [id_text, fields] : JsonObject(tokens, key, config.name).items()) {
    int64_t id = -1;
    const char* const end = id_text.data() + id_text.size();
    const auto parsed = std::from_chars(id_text.data(), end, id);
    if (parsed.ec != std::errc() || parsed.ptr != end) id = -1;
    AddedToken token = ParseAddedToken(fields, key + "." + id_text, config.name);
    token.id = CheckedTokenId(id, key, config.name);
    config.added_tokens.push_back(std::move(token));
  }
}

/// The special tokens of all models in transformers' order, then those of this model.
void ReadNamedTokens(const Json& json, TokenizerConfig& config) {
  constexpr std::array<const char*, 7> kCommon = {
      "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};
  for (const char* key : kCommon) {
    if (auto token = TokenContent(json, key, config.name)) {
      config.named_tokens.emplace_back(key, *token);
    }
  }
  for (const auto& [key, value] : json.items()) {
    const bool is_named = key.ends_with("_token") && (value.is_string() || value.is_object()) &&
                          std::ranges::find(kCommon, key) == kCommon.end();
    if (is_named) {
      config.named_tokens.emplace_back(key, *TokenContent(json, key.c_str(), config.name));
    }
  }
  for (const auto& [key, token] : config.named_tokens) {
    if (token.size() <= kMaxAddedTokenBytes) continue;
    throw Error(ErrorCode::kMalformedFile,
                config.name + ": a special token has " + std::to_string(token.size()) +
                    " bytes, allowed are " + std::to_string(kMaxAddedTokenBytes));
  }
}

/// A list of tokens, or an object with a name for each.
void ReadAdditionalTokens(const Json& tokens, const std::string& key, TokenizerConfig& config) {
  if (!tokens.is_object()) JsonArray(tokens, key, config.name);
  for (const Json& token : tokens) {
    config.additional_tokens.push_back(token.is_object()
                                           ? ParseAddedToken(token, key, config.name).content
                                           : JsonString(token, key, config.name));
  }
}

}  // namespace

AddedToken ParseAddedToken(const Json& fields, const std::string& key, const std::string& name) {
  JsonObject(fields, key, name);
  AddedToken token;
  const Json* content = JsonField(fields, "content");
  token.content = JsonString(content == nullptr ? Json() : *content, key + ".content", name);
  if (token.content.empty() || token.content.size() > kMaxAddedTokenBytes) {
    throw Error(ErrorCode::kMalformedFile, name + ": field '" + key + ".content': expected 1 to " +
                                               std::to_string(kMaxAddedTokenBytes) +
                                               " bytes, found " +
                                               std::to_string(token.content.size()));
  }
  const auto flag = [&](const char* flag_key, bool otherwise) {
    const Json* value = JsonField(fields, flag_key);
    return value == nullptr ? otherwise : JsonBool(*value, key + "." + flag_key, name);
  };
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  token.normalized = flag("normalized", !flag("special", false));
  return token;
}

int64_t CheckedTokenCount(const Json& value, const std::string& key, const std::string& name) {
  const int64_t length = JsonInteger(value, key, name);
  if (length < 1 || length > kMaxTokensPerText) {
    throw Error(ErrorCode::kMalformedFile, name + ": field '" + key + "': expected 1 to " +
                                               std::to_string(kMaxTokensPerText) + ", found " +
                                               std::to_string(length));
  }
  return length;
}

int32_t CheckedTokenId(int64_t id, const std::string& key, const std::string& name) {
  if (id < 0 || id >= kMaxTokenIds) {
    throw Error(ErrorCode::kMalformedFile, name + ": field '" + key + "': expected an id of 0 to " +
                                               std::to_string(kMaxTokenIds - 1) + ", found " +
                                               std::to_string(id));
  }
  return static_cast<int32_t>(id);
}

TokenizerConfig ParseTokenizerConfig(const Json& json, const std::string& name) {
  JsonObject(json, "(whole file)", name);
  TokenizerConfig config;
  config.name = name;
  if (const Json* type = JsonField(json, "tokenizer_class")) {
    config.tokenizer_class = JsonString(*type, "tokenizer_class", name);
  }
  config.eos_token = TokenContent(json, "eos_token", name);
  config.pad_token = TokenContent(json, "pad_token", name);
  config.bos_token = TokenContent(json, "bos_token", name);
  config.unk_token = TokenContent(json, "unk_token", name);
  config.add_bos_token = OptionalBool(json, "add_bos_token", name);
  config.add_eos_token = OptionalBool(json, "add_eos_token", name);
  config.do_lower_case = OptionalBool(json, "do_lower_case", name).value_or(true);
  if (const Json* length = JsonField(json, "model_max_length")) {
    // transformers writes 1e30 for "no limit".
    if (JsonNumber(*length, "model_max_length", name) <= static_cast<double>(kMaxTokensPerText)) {
      config.model_max_length = CheckedTokenCount(*length, "model_max_length", name);
    }
  }
  config.pads_left = SideIsLeft(json, "padding_side", name);
  config.truncates_left = SideIsLeft(json, "truncation_side", name);
  config.split_special_tokens = OptionalBool(json, "split_special_tokens", name).value_or(false);
  if (const Json* count = JsonField(json, "extra_ids")) {
    config.extra_ids = JsonInteger(*count, "extra_ids", name);
    if (config.extra_ids < 0 || config.extra_ids > kMaxExtraIds) {
      throw Error(ErrorCode::kMalformedFile, name + ": field 'extra_ids': expected 0 to " +
                                                 std::to_string(kMaxExtraIds) + ", found " +
                                                 std::to_string(config.extra_ids));
    }
  }
  if (const Json* tokens = JsonField(json, "added_tokens_decoder"))
    ReadAddedTokens(*tokens, config);
  ReadNamedTokens(json, config);
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const Json* tokens = JsonField(json, key);
    if (tokens == nullptr) continue;
    config.lists_additional_tokens |= tokens->is_array();
    if (!tokens->empty()) ReadAdditionalTokens(*tokens, key, config);
  }
  return config;
}

TokenizerConfig ReadTokenizerConfig(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  const std::filesystem::path map_path = folder / "special_tokens_map.json";
  Json json = FileExists(path) ? ParseJsonFile(path) : Json::object();
  JsonObject(json, "(whole file)", path.string());
  if (JsonField(json, "added_tokens_decoder") == nullptr && FileExists(map_path)) {
    const Json map = ParseJsonFile(map_path);
    ParseTokenizerConfig(map, map_path.string());  // so that errors name the file
    json.update(map);
  }
  return ParseTokenizerConfig(json, path.string());
}

}  // namespace siglip
