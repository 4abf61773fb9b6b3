// SiglipVisionConfig: checking, and config.json as transformers writes it.
#include "base/json.h"
#include "configuration/encoder_fields.h"
#include "configuration/siglip_config.h"
#include "configuration/vision_fields.h"
#include "siglip/error.hpp"
#include "siglip/transformers/configuration.hpp"

namespace siglip {
namespace {

constexpr int64_t kMostImageSide = 1 << 16;
constexpr int64_t kMostImageTokens = int64_t{1} << 20;

/// Fills the field called `key` in; false when there is none of that name.
bool ReadField(SiglipVisionConfig& config, const std::string& key, const Json& value,
               const std::string& name) {
  if (ReadTowerField(config, key, value, name)) return true;
  if (key == "image_size") {
    config.image_size = ReadSide(value, "image_size", name);
  } else if (key == "num_image_tokens") {
    if (!value.is_null()) config.num_image_tokens = JsonInteger(value, key, name);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void SiglipVisionConfig::Validate() const {
  ValidateTower(*this);
  CheckRange("image_size", image_size, kMostImageSide);
  if (patch_size > image_size) {
    throw InvalidField("patch_size", std::to_string(patch_size),
                       "at most image_size (" + std::to_string(image_size) + ")");
  }
  if (num_patches() > kMostPatches) {
    throw InvalidField("image_size", std::to_string(image_size),
                       "at most " + std::to_string(kMostPatches) + " patches in a picture");
  }
  if (num_image_tokens) CheckRange("num_image_tokens", *num_image_tokens, kMostImageTokens);
}

SiglipVisionConfig ParseVisionConfig(const Json& json, const std::string& name) {
  if (!json.is_object()) throw Error(ErrorCode::kMalformedFile, name + ": expected a JSON object");
  SiglipVisionConfig config;
  for (const auto& [key, value] : FixedVisionObject(json, name).items()) {
    if (!ReadField(config, key, value, name) && !IsBookkeeping(key)) {
      config.unknown[key] = JsonText(value);
    }
  }
  ValidateAs(config, name);
  return config;
}

SiglipVisionConfig SiglipVisionConfig::FromJson(std::string_view json, const std::string& name) {
  return ParseVisionConfig(ParseJson(json, name), name);
}

std::string SiglipVisionConfig::ToJson() const {
  Json json = {{"architectures", {"SiglipVisionModel"}},
               {"model_type", "siglip_vision_model"},
               {"dtype", "float32"}};
  WriteTowerFields(*this, json);
  json["image_size"] = image_size;
  if (num_image_tokens) json["num_image_tokens"] = *num_image_tokens;
  WriteUnknownKeys(unknown, json);
  return JsonText(json, 2) + "\n";
}

}  // namespace siglip
