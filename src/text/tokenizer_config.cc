// See tokenizer_config.h. Source: transformers tokenization_utils_base.py, version 5.
#include "text/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/file_system.h"
#include "siglip/error.h"
#include "siglip/tokenizer.h"

namespace siglip {
namespace {

constexpr int64_t kDefaultMaxLength = 64;

/// The field, or null where it is absent or null.
const Json* Find(const Json& fields, const char* key) {
  const auto found = fields.find(key);
  return found == fields.end() || found->is_null() ? nullptr : &*found;
}

/// A special token is named by its content alone or as an object with flags.
std::optional<std::string> TokenContent(const Json& fields, const char* key,
                                        const std::string& name) {
  const Json* token = Find(fields, key);
  if (token == nullptr) return std::nullopt;
  if (token->is_object()) return ParseAddedToken(*token, key, name).content;
  return JsonString(*token, key, name);
}

std::optional<bool> OptionalBool(const Json& fields, const char* key, const std::string& name) {
  const Json* flag = Find(fields, key);
  if (flag == nullptr) return std::nullopt;
  return JsonBool(*flag, key, name);
}

/// {"1": {"content": "</s>", ...}, ...}
void ReadAddedTokens(const Json& tokens, TokenizerConfig& config) {
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

/// A list of tokens, or an object with a name for each.
void ReadAdditionalTokens(const Json& tokens, const std::string& key, TokenizerConfig& config) {
  if (!tokens.is_object()) JsonArray(tokens, key, config.name);
  for (const Json& token : tokens) {
    config.additional_tokens.push_back(token.is_object()
                                           ? ParseAddedToken(token, key, config.name).content
                                           : JsonString(token, key, config.name));
  }
}

int64_t CheckedLength(const Json& value, const std::string& key, const std::string& name) {
  const int64_t length = JsonInteger(value, key, name);
  if (length < 1 || length > kMaxTokensPerText) {
    throw Error(ErrorCode::kMalformedFile, name + ": field '" + key + "': expected 1 to " +
                                               std::to_string(kMaxTokensPerText) + ", found " +
                                               std::to_string(length));
  }
  return length;
}

/// The object that is the field of an object, or null where there is none.
const Json* FindObject(const Json& fields, const char* key, const std::string& name) {
  const Json* object = Find(fields, key);
  return object == nullptr ? nullptr : &JsonObject(*object, key, name);
}

Json ReadObject(const std::filesystem::path& path) {
  Json file = ParseJsonFile(path);
  JsonObject(file, "(whole file)", path.string());
  return file;
}

}  // namespace

AddedToken ParseAddedToken(const Json& fields, const std::string& key, const std::string& name) {
  JsonObject(fields, key, name);
  AddedToken token;
  const Json* content = Find(fields, "content");
  token.content = JsonString(content == nullptr ? Json() : *content, key + ".content", name);
  if (token.content.empty() || token.content.size() > kMaxAddedTokenBytes) {
    throw Error(ErrorCode::kMalformedFile, name + ": field '" + key + ".content': expected 1 to " +
                                               std::to_string(kMaxAddedTokenBytes) +
                                               " bytes, found " +
                                               std::to_string(token.content.size()));
  }
  const auto flag = [&](const char* flag_key, bool otherwise) {
    const Json* value = Find(fields, flag_key);
    return value == nullptr ? otherwise : JsonBool(*value, key + "." + flag_key, name);
  };
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  token.normalized = flag("normalized", !flag("special", false));
  return token;
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
  if (const Json* type = Find(json, "tokenizer_class")) {
    config.tokenizer_class = JsonString(*type, "tokenizer_class", name);
  }
  config.eos_token = TokenContent(json, "eos_token", name);
  config.pad_token = TokenContent(json, "pad_token", name);
  config.bos_token = TokenContent(json, "bos_token", name);
  config.unk_token = TokenContent(json, "unk_token", name);
  config.add_bos_token = OptionalBool(json, "add_bos_token", name);
  config.add_eos_token = OptionalBool(json, "add_eos_token", name);
  config.do_lower_case = OptionalBool(json, "do_lower_case", name).value_or(true);
  if (const Json* length = Find(json, "model_max_length")) {
    // transformers writes 1e30 for "no limit".
    if (JsonNumber(*length, "model_max_length", name) <= static_cast<double>(kMaxTokensPerText)) {
      config.model_max_length = CheckedLength(*length, "model_max_length", name);
    }
  }
  if (const Json* tokens = Find(json, "added_tokens_decoder")) ReadAddedTokens(*tokens, config);
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const Json* tokens = Find(json, key);
    if (tokens != nullptr && !tokens->empty()) ReadAdditionalTokens(*tokens, key, config);
  }
  return config;
}

TokenizerConfig ReadTokenizerConfig(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!FileExists(path)) return {};
  return ParseTokenizerConfig(ParseJsonFile(path), path.string());
}

int64_t ReadMaxLength(const std::filesystem::path& folder, const TokenizerConfig& config) {
  const std::filesystem::path model = folder / "config.json";
  const std::filesystem::path open_clip = folder / "open_clip_config.json";
  const bool has_model = FileExists(model);
  if (has_model) {
    const Json file = ReadObject(model);
    if (const Json* tower = FindObject(file, "text_config", model.string())) {
      const Json* length = Find(*tower, "max_position_embeddings");
      if (length == nullptr) return kDefaultMaxLength;
      return CheckedLength(*length, "text_config.max_position_embeddings", model.string());
    }
  }
  if (FileExists(open_clip)) {
    const Json file = ReadObject(open_clip);
    const Json* whole = FindObject(file, "model_cfg", open_clip.string());
    const Json* tower =
        whole == nullptr ? nullptr : FindObject(*whole, "text_cfg", open_clip.string());
    const Json* length = tower == nullptr ? nullptr : Find(*tower, "context_length");
    if (length != nullptr) {
      return CheckedLength(*length, "model_cfg.text_cfg.context_length", open_clip.string());
    }
  }
  return has_model ? kDefaultMaxLength : config.model_max_length.value_or(kDefaultMaxLength);
}

}  // namespace siglip
