// Siglip2VisionConfig: checking, and config.json as transformers writes it.
#include <cmath>

#include "base/json.h"
#include "configuration/encoder_fields.h"
#include "configuration/siglip_config.h"
#include "configuration/vision_fields.h"
#include "siglip/error.hpp"
#include "siglip/transformers/configuration.hpp"

namespace siglip {
namespace {}  // namespace

int64_t Siglip2VisionConfig::positions_per_side() const {
  return std::llround(std::sqrt(static_cast<double>(num_patches)));
}

void Siglip2VisionConfig::Validate() const {
  ValidateTower(*this);
  CheckRange("num_patches", num_patches, kMostPatches);
  if (positions_per_side() * positions_per_side() != num_patches) {
    throw InvalidField("num_patches", std::to_string(num_patches), "a square number");
  }
}

Siglip2VisionConfig ParseSiglip2Config(const Json& json, const std::string& name) {
  if (!json.is_object()) throw Error(ErrorCode::kMalformedFile, name + ": expected a JSON object");
  Siglip2VisionConfig config;
  for (const auto& [key, value] : VariableVisionObject(json, name).items()) {
    if (ReadTowerField(config, key, value, name) || IsBookkeeping(key)) continue;
    if (key == "num_patches") {
      config.num_patches = JsonInteger(value, key, name);
    } else {
      config.unknown[key] = JsonText(value);
    }
  }
  ValidateAs(config, name);
  return config;
}

Siglip2VisionConfig Siglip2VisionConfig::FromJson(std::string_view json, const std::string& name) {
  return ParseSiglip2Config(ParseJson(json, name), name);
}

bool Siglip2VisionConfig::IsFor(std::string_view json, const std::string& name) {
  return ResolutionOf(ParseJson(json, name), name) == Resolution::kNaflex;
}

std::string Siglip2VisionConfig::ToJson() const {
  Json json = {{"architectures", {"Siglip2VisionModel"}},
               {"model_type", "siglip2_vision_model"},
               {"dtype", "float32"}};
  WriteTowerFields(*this, json);
  json["num_patches"] = num_patches;
  WriteUnknownKeys(unknown, json);
  return JsonText(json, 2) + "\n";
}

}  // namespace siglip
