// SiglipTextConfig: checking, and config.json as transformers writes it.
#include <array>

#include "base/json.h"
#include "configuration/encoder_fields.h"
#include "configuration/siglip_config.h"
#include "siglip/error.hpp"
#include "siglip/transformers/configuration.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

/// Besides those of every encoder.
constexpr std::array<IntegerField<SiglipTextConfig>, 2> kTextIntegerFields = {{
    {"vocab_size", &SiglipTextConfig::vocab_size, 1 << 24},
    {"max_position_embeddings", &SiglipTextConfig::max_position_embeddings, 1 << 16},
}};
constexpr int64_t kMostProjectionSize = 1 << 16;

struct TokenField {
  const char* name;
  std::optional<int64_t> SiglipTextConfig::*value;
};
constexpr std::array<TokenField, 3> kTokenFields = {{
    {"pad_token_id", &SiglipTextConfig::pad_token_id},
    {"bos_token_id", &SiglipTextConfig::bos_token_id},
    {"eos_token_id", &SiglipTextConfig::eos_token_id},
}};

std::optional<int64_t> ReadOptional(const Json& value, const std::string& key,
                                    const std::string& name) {
  if (value.is_null()) return std::nullopt;
  return JsonInteger(value, key, name);
}

/// Fills the field called `key` in; false when there is none of that name.
bool ReadField(SiglipTextConfig& config, const std::string& key, const Json& value,
               const std::string& name) {
  if (ReadEncoderField(config, key, value, name)) return true;
  for (const auto& field : kTextIntegerFields) {
    if (key != field.name) continue;
    config.*field.value = JsonInteger(value, key, name);
    return true;
  }
  for (const TokenField& field : kTokenFields) {
    if (key != field.name || value.is_array()) continue;  // a list of ids says nothing here
    config.*field.value = ReadOptional(value, key, name);
    return true;
  }
  if (key != "projection_size") return false;
  config.projection_size = ReadOptional(value, key, name);
  return true;
}

std::string ModelType(const Json& object, const char* key, const std::string& name) {
  const auto type = object.find("model_type");
  return type == object.end() || type->is_null() ? std::string() : JsonString(*type, key, name);
}

bool IsTextTower(const std::string& model_type) {
  return model_type == "siglip_text_model" || model_type == "siglip2_text_model";
}

/// The object that holds the text tower's fields, after checking every model_type on the way.
const Json& TextObject(const Json& json, const std::string& name) {
  const auto unsupported = [&](const std::string& what) {
    return Error(ErrorCode::kUnsupported, name + ": " + what,
                 "supported are the text towers of siglip and siglip2, and siglip_text_model");
  };
  const std::string outer = ModelType(json, "model_type", name);
  const bool is_whole = outer == "siglip" || outer == "siglip2";
  const auto nested = json.find("text_config");
  if (nested == json.end() || nested->is_null()) {
    static const Json kDefaults = Json::object();
    if (is_whole) return kDefaults;
    if (IsTextTower(outer) || outer.empty()) return json;
    throw unsupported("model_type " + Quoted(outer) + " has no text tower of SigLIP");
  }
  if (!nested->is_object()) {
    throw Error(ErrorCode::kMalformedFile, name + ": field 'text_config': expected an object");
  }
  const std::string inner = ModelType(*nested, "text_config.model_type", name);
  if (IsTextTower(inner) || (inner.empty() && (is_whole || outer.empty()))) return *nested;
  throw unsupported("model_type " + Quoted(outer) + " with 'text_config' of model_type " +
                    Quoted(inner) + " has no text tower of SigLIP");
}

}  // namespace

void SiglipTextConfig::Validate() const {
  ValidateEncoder(*this);
  for (const auto& field : kTextIntegerFields)
    CheckRange(field.name, this->*field.value, field.most);
  if (projection_size) CheckRange("projection_size", *projection_size, kMostProjectionSize);
}

SiglipTextConfig ParseTextConfig(const Json& json, const std::string& name) {
  if (!json.is_object()) throw Error(ErrorCode::kMalformedFile, name + ": expected a JSON object");
  SiglipTextConfig config;
  for (const auto& [key, value] : TextObject(json, name).items()) {
    if (!ReadField(config, key, value, name) && !IsBookkeeping(key)) {
      config.unknown[key] = JsonText(value);
    }
  }
  ValidateAs(config, name);
  return config;
}

SiglipTextConfig SiglipTextConfig::FromJson(std::string_view json, const std::string& name) {
  return ParseTextConfig(ParseJson(json, name), name);
}

std::string SiglipTextConfig::ToJson() const {
  Json json = {{"architectures", {"SiglipTextModel"}},
               {"model_type", "siglip_text_model"},
               {"dtype", "float32"},
               {"projection_size", embedding_size()}};
  WriteEncoderFields(*this, json);
  for (const auto& field : kTextIntegerFields) json[field.name] = this->*field.value;
  for (const TokenField& field : kTokenFields) {
    const std::optional<int64_t>& id = this->*field.value;
    json[field.name] = id ? Json(*id) : Json();
  }
  WriteUnknownKeys(unknown, json);
  return JsonText(json, 2) + "\n";
}

}  // namespace siglip
