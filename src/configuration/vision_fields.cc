// See vision_fields.h.
#include "configuration/vision_fields.h"

#include <array>
#include <string_view>

#include "configuration/encoder_fields.h"
#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

/// Besides those of every encoder.
constexpr std::array<IntegerField<SiglipVisionTowerConfig>, 2> kVisionIntegerFields = {{
    {"num_channels", &SiglipVisionTowerConfig::num_channels, 1 << 10},
    {"patch_size", &SiglipVisionTowerConfig::patch_size, 1 << 12},
}};
constexpr int64_t kMostPatchValues = int64_t{1} << 24;

constexpr std::string_view kFixedTower = "siglip_vision_model";
constexpr std::string_view kVariableTower = "siglip2_vision_model";

std::string TypeOf(const Json& object, const char* key, const std::string& name) {
  if (!object.is_object()) return {};
  const auto type = object.find("model_type");
  return type == object.end() || type->is_null() ? std::string() : JsonString(*type, key, name);
}

std::string OuterType(const Json& json, const std::string& name) {
  return TypeOf(json, "model_type", name);
}

/// "vision_config", or null.
const Json* NestedObject(const Json& json, const std::string& name) {
  const auto nested = json.find("vision_config");
  if (nested == json.end() || nested->is_null()) return nullptr;
  if (nested->is_object()) return &*nested;
  throw Error(ErrorCode::kMalformedFile, name + ": field 'vision_config': expected an object");
}

std::string InnerType(const Json& nested, const std::string& name) {
  return TypeOf(nested, "vision_config.model_type", name);
}

Error Unsupported(const std::string& name, const std::string& what) {
  return Error(ErrorCode::kUnsupported, name + ": " + what,
               "supported are siglip, siglip_vision_model, siglip2, siglip2_vision_model, and the "
               "SigLIP image towers of paligemma, gemma3 and similar models");
}

/// The fields of a tower called `tower` where it may stand alone, as the one part of a model called
/// `whole`, or in a model of another type.
const Json& VisionObject(const Json& json, const std::string& name, std::string_view whole,
                         std::string_view tower) {
  const std::string outer = OuterType(json, name);
  const Json* nested = NestedObject(json, name);
  if (nested == nullptr) {
    static const Json kDefaults = Json::object();
    if (outer == whole) return kDefaults;
    if (outer == tower || outer.empty()) return json;
    throw Unsupported(
        name, "model_type " + Quoted(outer) + " without a 'vision_config' is not supported");
  }
  const std::string inner = InnerType(*nested, name);
  const bool implied = outer == whole || outer == "paligemma" || outer == "gemma3";
  if (inner == tower || (inner.empty() && (implied || outer.empty()))) return *nested;
  throw Unsupported(name, "model_type " + Quoted(outer) + " with 'vision_config' of model_type " +
                              Quoted(inner) + " is not supported");
}

}  // namespace

Resolution ResolutionOf(const Json& json, const std::string& name) {
  const std::string outer = OuterType(json, name);
  if (outer == "siglip2" || outer == kVariableTower) return Resolution::kNaflex;
  const Json* nested = json.is_object() ? NestedObject(json, name) : nullptr;
  const bool holds_one = nested != nullptr && InnerType(*nested, name) == kVariableTower;
  return holds_one ? Resolution::kNaflex : Resolution::kFixed;
}

const Json& FixedVisionObject(const Json& json, const std::string& name) {
  const std::string outer = OuterType(json, name);
  if (outer == "siglip_text_model" || outer == "siglip2_text_model") {
    throw Unsupported(name, "model_type " + Quoted(outer) + " has no image tower");
  }
  if (ResolutionOf(json, name) == Resolution::kNaflex) {
    throw Error(ErrorCode::kUnsupported,
                name + ": model_type " + Quoted(outer) +
                    ": expected an image tower of fixed resolution, found one of variable " +
                    "resolution (SigLIP 2 NaFlex)",
                "in C++, Siglip2VisionModel loads it, and VisionModel::Open either kind");
  }
  return VisionObject(json, name, "siglip", kFixedTower);
}

const Json& VariableVisionObject(const Json& json, const std::string& name) {
  const std::string outer = OuterType(json, name);
  if (!outer.empty() && ResolutionOf(json, name) == Resolution::kFixed) {
    throw Error(
        ErrorCode::kUnsupported,
        name + ": model_type " + Quoted(outer) +
            ": expected an image tower of variable resolution (SigLIP 2 NaFlex: siglip2 or "
            "siglip2_vision_model)",
        "in C++, SiglipVisionModel loads towers of fixed resolution, and VisionModel::Open either "
        "kind");
  }
  return VisionObject(json, name, "siglip2", kVariableTower);
}

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

bool ReadTowerField(SiglipVisionTowerConfig& config, const std::string& key, const Json& value,
                    const std::string& name) {
  if (ReadEncoderField(config, key, value, name)) return true;
  if (key == "num_channels") {
    config.num_channels = JsonInteger(value, key, name);
  } else if (key == "patch_size") {
    config.patch_size = ReadSide(value, "patch_size", name);
  } else if (key == "vision_use_head") {
    if (!value.is_null()) config.vision_use_head = JsonBool(value, key, name);
  } else {
    return false;
  }
  return true;
}

void ValidateTower(const SiglipVisionTowerConfig& config) {
  ValidateEncoder(config);
  for (const auto& field : kVisionIntegerFields)
    CheckRange(field.name, config.*field.value, field.most);
  if (config.patch_values() > kMostPatchValues) {
    throw InvalidField("patch_size", std::to_string(config.patch_size),
                       "at most " + std::to_string(kMostPatchValues) + " values in a patch");
  }
}

void WriteTowerFields(const SiglipVisionTowerConfig& config, Json& json) {
  WriteEncoderFields(config, json);
  for (const auto& field : kVisionIntegerFields) json[field.name] = config.*field.value;
  if (config.vision_use_head) json["vision_use_head"] = *config.vision_use_head;
}

}  // namespace siglip
