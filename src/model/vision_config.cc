// SiglipVisionConfig: checking, and config.json as transformers writes it.
#include "siglip/vision_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/json.h"
#include "model/siglip_config.h"
#include "siglip/error.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

struct IntegerField {
  const char* name;
  int64_t SiglipVisionConfig::*value;
  int64_t most;  // far beyond any real model, low enough that no product below overflows
  bool is_side;  // may be written [height, width]
};

constexpr std::array<IntegerField, 7> kIntegerFields = {{
    {"hidden_size", &SiglipVisionConfig::hidden_size, 1 << 16, false},
    {"intermediate_size", &SiglipVisionConfig::intermediate_size, 1 << 20, false},
    {"num_hidden_layers", &SiglipVisionConfig::num_hidden_layers, 1 << 10, false},
    {"num_attention_heads", &SiglipVisionConfig::num_attention_heads, 1 << 16, false},
    {"num_channels", &SiglipVisionConfig::num_channels, 1 << 10, false},
    {"image_size", &SiglipVisionConfig::image_size, 1 << 16, true},
    {"patch_size", &SiglipVisionConfig::patch_size, 1 << 12, true},
}};
constexpr int64_t kMostPatches = int64_t{1} << 20;
constexpr int64_t kMostPatchValues = int64_t{1} << 24;
constexpr int64_t kMostImageTokens = int64_t{1} << 20;

/// Keys that say nothing about the architecture: they are neither fields nor unknown.
const std::set<std::string>& BookkeepingKeys() {
  static const std::set<std::string> keys = {
      "model_type", "architectures", "transformers_version", "torch_dtype",
      "dtype",      "_name_or_path", "_commit_hash",         "auto_map"};
  return keys;
}

Error Invalid(const std::string& field, const std::string& found, const std::string& expected) {
  return Error(ErrorCode::kInvalidArgument,
               "field '" + field + "': expected " + expected + ", found " + found);
}

std::string Show(double value) { return Json(value).dump(); }

/// A side of a square: an integer, or [height, width] with both equal.
int64_t ReadSide(const Json& value, const char* key, const std::string& name) {
  if (!value.is_array()) return JsonInteger(value, key, name);
  if (value.size() != 2) {
    throw Error(ErrorCode::kMalformedFile, name + ": field '" + key +
                                               "': expected an integer or [height, width], found " +
                                               std::to_string(value.size()) + " values");
  }
  const int64_t height = JsonInteger(value[0], key, name);
  const int64_t width = JsonInteger(value[1], key, name);
  if (height != width) {
    throw Error(ErrorCode::kUnsupported, name + ": field '" + key + "': expected a square, found " +
                                             std::to_string(height) + " x " +
                                             std::to_string(width));
  }
  return height;
}

/// Fills the field called `key` in; false when there is none of that name.
bool ReadField(SiglipVisionConfig& config, const std::string& key, const Json& value,
               const std::string& name) {
  for (const IntegerField& field : kIntegerFields) {
    if (key != field.name) continue;
    config.*field.value =
        field.is_side ? ReadSide(value, field.name, name) : JsonInteger(value, key, name);
    return true;
  }
  if (key == "layer_norm_eps") {
    config.layer_norm_eps = JsonNumber(value, key, name);
  } else if (key == "attention_dropout") {
    config.attention_dropout = JsonNumber(value, key, name);
  } else if (key == "hidden_act") {
    config.hidden_act = JsonString(value, key, name);
  } else if (key == "num_image_tokens") {
    if (!value.is_null()) config.num_image_tokens = JsonInteger(value, key, name);
  } else if (key == "vision_use_head") {
    if (!value.is_null()) config.vision_use_head = JsonBool(value, key, name);
  } else {
    return false;
  }
  return true;
}

/// The object that holds the image tower's fields, after checking every model_type on the way.
const Json& VisionObject(const Json& json, const std::string& name) {
  const auto type_of = [&](const Json& object, const char* key) {
    const auto type = object.find("model_type");
    return type == object.end() || type->is_null() ? std::string() : JsonString(*type, key, name);
  };
  const auto unsupported = [&](const std::string& what) {
    return Error(ErrorCode::kUnsupported, name + ": " + what,
                 "supported are siglip, siglip_vision_model, and the SigLIP image towers of "
                 "paligemma, gemma3 and similar models");
  };
  const std::string outer = type_of(json, "model_type");
  if (outer == "siglip_text_model") {
    throw unsupported("model_type 'siglip_text_model' has no image tower");
  }
  if (outer == "siglip2" || outer == "siglip2_vision_model") {
    throw unsupported("model_type " + Quoted(outer) +
                      " (SigLIP 2 NaFlex, variable resolution) is not " +
                      "supported; fixed-resolution SigLIP 2 has model_type 'siglip'");
  }
  const auto nested = json.find("vision_config");
  const bool has_nested = nested != json.end() && !nested->is_null();
  if (!has_nested) {
    static const Json kDefaults = Json::object();
    if (outer == "siglip") return kDefaults;
    if (outer == "siglip_vision_model" || outer.empty()) return json;
    throw unsupported("model_type " + Quoted(outer) +
                      " without a 'vision_config' is not supported");
  }
  if (!nested->is_object()) {
    throw Error(ErrorCode::kMalformedFile, name + ": field 'vision_config': expected an object");
  }
  const std::string inner = type_of(*nested, "vision_config.model_type");
  const bool implied = outer == "siglip" || outer == "paligemma" || outer == "gemma3";
  if (inner == "siglip_vision_model" || (inner.empty() && (implied || outer.empty()))) {
    return *nested;
  }
  throw unsupported("model_type " + Quoted(outer) + " with 'vision_config' of model_type " +
                    Quoted(inner) + " is not supported");
}

}  // namespace

void SiglipVisionConfig::Validate() const {
  for (const IntegerField& field : kIntegerFields) {
    const int64_t value = this->*field.value;
    if (value < 1 || value > field.most) {
      throw Invalid(field.name, std::to_string(value),
                    "an integer from 1 to " + std::to_string(field.most));
    }
  }
  if (hidden_size % num_attention_heads != 0) {
    throw Invalid("num_attention_heads", std::to_string(num_attention_heads),
                  "a divisor of hidden_size (" + std::to_string(hidden_size) + ")");
  }
  if (patch_size > image_size) {
    throw Invalid("patch_size", std::to_string(patch_size),
                  "at most image_size (" + std::to_string(image_size) + ")");
  }
  if (num_patches() > kMostPatches) {
    throw Invalid("image_size", std::to_string(image_size),
                  "at most " + std::to_string(kMostPatches) + " patches in a picture");
  }
  if (num_channels * patch_size * patch_size > kMostPatchValues) {
    throw Invalid("patch_size", std::to_string(patch_size),
                  "at most " + std::to_string(kMostPatchValues) + " values in a patch");
  }
  // Compared as float, the type it is computed with.
  const float eps = static_cast<float>(layer_norm_eps);
  if (!std::isfinite(eps) || !(eps > 0)) {
    throw Invalid("layer_norm_eps", Show(layer_norm_eps), "a finite number above 0");
  }
  if (!(attention_dropout >= 0 && attention_dropout <= 1)) {
    throw Invalid("attention_dropout", Show(attention_dropout), "a number from 0 to 1");
  }
  if (num_image_tokens && (*num_image_tokens < 1 || *num_image_tokens > kMostImageTokens)) {
    throw Invalid("num_image_tokens", std::to_string(*num_image_tokens),
                  "an integer from 1 to " + std::to_string(kMostImageTokens));
  }
  if (std::find(kKnownActivations.begin(), kKnownActivations.end(), hidden_act) ==
      kKnownActivations.end()) {
    std::string known;
    for (std::string_view activation : kKnownActivations) {
      known += (known.empty() ? "" : ", ") + std::string(activation);
    }
    throw Invalid("hidden_act", Quoted(hidden_act), "one of " + known);
  }
}

SiglipVisionConfig ParseTransformersConfig(const Json& json, const std::string& name) {
  if (!json.is_object()) throw Error(ErrorCode::kMalformedFile, name + ": expected a JSON object");
  SiglipVisionConfig config;
  for (const auto& [key, value] : VisionObject(json, name).items()) {
    if (!ReadField(config, key, value, name) && !BookkeepingKeys().contains(key)) {
      config.unknown[key] = value.dump();
    }
  }
  try {
    config.Validate();
  } catch (const Error& error) {
    throw Error(error.code(), name + ": " + error.message(), error.hint());
  }
  return config;
}

SiglipVisionConfig SiglipVisionConfig::FromJson(std::string_view json, const std::string& name) {
  return ParseTransformersConfig(ParseJson(json, name), name);
}

std::string SiglipVisionConfig::ToJson() const {
  Json json = {{"architectures", {"SiglipVisionModel"}},
               {"model_type", "siglip_vision_model"},
               {"dtype", "float32"},
               {"layer_norm_eps", layer_norm_eps},
               {"attention_dropout", attention_dropout},
               {"hidden_act", hidden_act}};
  for (const IntegerField& field : kIntegerFields) json[field.name] = this->*field.value;
  if (num_image_tokens) json["num_image_tokens"] = *num_image_tokens;
  if (vision_use_head) json["vision_use_head"] = *vision_use_head;
  for (const auto& [key, text] : unknown) {
    if (!json.contains(key)) json[key] = ParseJson(text, "unknown field " + Quoted(key));
  }
  return json.dump(2) + "\n";
}

}  // namespace siglip
