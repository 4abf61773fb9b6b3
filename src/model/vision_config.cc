// SiglipVisionConfig: checking, and config.json as transformers writes it.
#include "siglip/vision_config.h"

#include <array>

#include "base/json.h"
#include "model/encoder_fields.h"
#include "model/siglip_config.h"
#include "siglip/error.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

/// Besides those of every encoder.
constexpr std::array<IntegerField<SiglipVisionConfig>, 3> kIntegerFields = {{
    {"num_channels", &SiglipVisionConfig::num_channels, 1 << 10},
    {"image_size", &SiglipVisionConfig::image_size, 1 << 16},
    {"patch_size", &SiglipVisionConfig::patch_size, 1 << 12},
}};
constexpr int64_t kMostPatches = int64_t{1} << 20;
constexpr int64_t kMostPatchValues = int64_t{1} << 24;
constexpr int64_t kMostImageTokens = int64_t{1} << 20;

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
  if (ReadEncoderField(config, key, value, name)) return true;
  if (key == "num_channels") {
    config.num_channels = JsonInteger(value, key, name);
  } else if (key == "image_size") {
    config.image_size = ReadSide(value, "image_size", name);
  } else if (key == "patch_size") {
    config.patch_size = ReadSide(value, "patch_size", name);
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
  ValidateEncoder(*this);
  for (const auto& field : kIntegerFields) CheckRange(field.name, this->*field.value, field.most);
  if (patch_size > image_size) {
    throw InvalidField("patch_size", std::to_string(patch_size),
                       "at most image_size (" + std::to_string(image_size) + ")");
  }
  if (num_patches() > kMostPatches) {
    throw InvalidField("image_size", std::to_string(image_size),
                       "at most " + std::to_string(kMostPatches) + " patches in a picture");
  }
  if (num_channels * patch_size * patch_size > kMostPatchValues) {
    throw InvalidField("patch_size", std::to_string(patch_size),
                       "at most " + std::to_string(kMostPatchValues) + " values in a patch");
  }
  if (num_image_tokens) CheckRange("num_image_tokens", *num_image_tokens, kMostImageTokens);
}

SiglipVisionConfig ParseTransformersConfig(const Json& json, const std::string& name) {
  if (!json.is_object()) throw Error(ErrorCode::kMalformedFile, name + ": expected a JSON object");
  SiglipVisionConfig config;
  for (const auto& [key, value] : VisionObject(json, name).items()) {
    if (!ReadField(config, key, value, name) && !IsBookkeeping(key)) {
      config.unknown[key] = value.dump();
    }
  }
  ValidateAs(config, name);
  return config;
}

SiglipVisionConfig SiglipVisionConfig::FromJson(std::string_view json, const std::string& name) {
  return ParseTransformersConfig(ParseJson(json, name), name);
}

std::string SiglipVisionConfig::ToJson() const {
  Json json = {{"architectures", {"SiglipVisionModel"}},
               {"model_type", "siglip_vision_model"},
               {"dtype", "float32"}};
  WriteEncoderFields(*this, json);
  for (const auto& field : kIntegerFields) json[field.name] = this->*field.value;
  if (num_image_tokens) json["num_image_tokens"] = *num_image_tokens;
  if (vision_use_head) json["vision_use_head"] = *vision_use_head;
  WriteUnknownKeys(unknown, json);
  return json.dump(2) + "\n";
}

}  // namespace siglip
