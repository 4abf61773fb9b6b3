// What the configurations of both image towers share of finding, reading, checking and writing
// their fields.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "siglip/transformers/configuration.hpp"
#include "siglip/transformers/resolution.hpp"

namespace siglip {

/// In a picture.
inline constexpr int64_t kMostPatches = int64_t{1} << 20;

/// Of which kind the image tower of a config.json is. NaFlex: model_type siglip2, or any model
/// whose "vision_config" is a siglip2_vision_model.
Resolution ResolutionOf(const Json& json, const std::string& name);

/// The object that holds the image tower's fields, after checking every model_type on the way. Each
/// throws Error(kUnsupported) for the other's.
const Json& FixedVisionObject(const Json& json, const std::string& name);
const Json& VariableVisionObject(const Json& json, const std::string& name);

/// A side of a square: an integer, or [height, width] with both equal.
int64_t ReadSide(const Json& value, const char* key, const std::string& name);

/// Fills the field of every image tower called `key` in; false when there is none of that name.
bool ReadTowerField(SiglipVisionTowerConfig& config, const std::string& key, const Json& value,
                    const std::string& name);

/// Throws InvalidField for a value that no image tower can have.
void ValidateTower(const SiglipVisionTowerConfig& config);

/// All of them but the unknown ones.
void WriteTowerFields(const SiglipVisionTowerConfig& config, Json& json);

}  // namespace siglip
