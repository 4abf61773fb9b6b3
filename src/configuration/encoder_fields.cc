// See encoder_fields.h.
#include "configuration/encoder_fields.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "configuration/activation.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr std::array<IntegerField<SiglipEncoderConfig>, 4> kIntegerFields = {{
    {"hidden_size", &SiglipEncoderConfig::hidden_size, 1 << 16},
    {"intermediate_size", &SiglipEncoderConfig::intermediate_size, 1 << 20},
    {"num_hidden_layers", &SiglipEncoderConfig::num_hidden_layers, 1 << 10},
    {"num_attention_heads", &SiglipEncoderConfig::num_attention_heads, 1 << 16},
}};

constexpr std::array<std::string_view, 10> kBookkeepingKeys = {
    "model_type", "architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path",
    "_commit_hash", "auto_map",
    // A tower's own configuration holds none of a tower: written back, it would be read instead.
    "vision_config", "text_config"};

std::string Show(double value) { return ShownJson(value); }

}  // namespace

Error InvalidField(const std::string& field, const std::string& found,
                   const std::string& expected) {
  return Error(ErrorCode::kInvalidArgument,
               "field '" + field + "': expected " + expected + ", found " + found);
}

void CheckRange(const std::string& field, int64_t value, int64_t most) {
  if (value >= 1 && value <= most) return;
  throw InvalidField(field, std::to_string(value), "an integer from 1 to " + std::to_string(most));
}

bool ReadEncoderField(SiglipEncoderConfig& config, const std::string& key, const Json& value,
                      const std::string& name) {
  for (const auto& field : kIntegerFields) {
    if (key != field.name) continue;
    config.*field.value = JsonInteger(value, key, name);
    return true;
  }
  if (key == "layer_norm_eps") {
    config.layer_norm_eps = JsonNumber(value, key, name);
  } else if (key == "attention_dropout") {
    config.attention_dropout = JsonNumber(value, key, name);
  } else if (key == "hidden_act") {
    config.hidden_act = JsonString(value, key, name);
  } else {
    return false;
  }
  return true;
}

void ValidateEncoder(const SiglipEncoderConfig& config) {
  for (const auto& field : kIntegerFields) CheckRange(field.name, config.*field.value, field.most);
  if (config.hidden_size % config.num_attention_heads != 0) {
    throw InvalidField("num_attention_heads", std::to_string(config.num_attention_heads),
                       "a divisor of hidden_size (" + std::to_string(config.hidden_size) + ")");
  }
  // Compared as float, the type it is computed with.
  const auto eps = static_cast<float>(config.layer_norm_eps);
  if (!std::isfinite(eps) || !(eps > 0)) {
    throw InvalidField("layer_norm_eps", Show(config.layer_norm_eps), "a finite number above 0");
  }
  if (!(config.attention_dropout >= 0 && config.attention_dropout <= 1)) {
    throw InvalidField("attention_dropout", Show(config.attention_dropout), "a number from 0 to 1");
  }
  ParseActivation(config.hidden_act);
}

void WriteEncoderFields(const SiglipEncoderConfig& config, Json& json) {
  for (const auto& field : kIntegerFields) json[field.name] = config.*field.value;
  json["layer_norm_eps"] = config.layer_norm_eps;
  json["attention_dropout"] = config.attention_dropout;
  json["hidden_act"] = config.hidden_act;
}

bool IsBookkeeping(std::string_view key) {
  return std::ranges::find(kBookkeepingKeys, key) != kBookkeepingKeys.end();
}

void WriteUnknownKeys(const std::map<std::string, std::string>& unknown, Json& json) {
  for (const auto& [key, text] : unknown) {
    if (!json.contains(key)) json[key] = ParseJson(text, "unknown field " + Quoted(key));
  }
}

}  // namespace siglip
