// The fields of transformers' preprocessor_config.json as an ImageProcessorConfig.
#pragma once

#include <array>
#include <string>

#include "base/json.h"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {

/// Reads the fields that all processors have, as far as they are there and not null. Refuses steps
/// that none of them takes.
void ReadPixelConfig(const Json& fields, const std::string& name, PixelConfig& config);
/// The same fields to be written.
Json PixelConfigJson(const PixelConfig& config);

/// The fields of transformers' preprocessor_config.json. `name` is what errors call the file.
ImageProcessorConfig ImageProcessorConfigFromJson(const Json& fields, const std::string& name);

/// Throws Error(code) unless every value is one that Preprocess can work with. `name` comes first
/// in the message.
void CheckConfig(const ImageProcessorConfig& config, ErrorCode code, const std::string& name);
/// The same for the fields that all processors have.
void CheckPixelConfig(const PixelConfig& config, ErrorCode code, const std::string& name);

/// A side read from a file: 1 to 65536.
int64_t JsonSide(const Json& value, const std::string& key, const std::string& name);
/// A number for all three channels, or a list of three.
std::array<double, 3> JsonChannels(const Json& value, const std::string& key,
                                   const std::string& name);
/// Refuses what is no JSON object.
void RequireObject(const Json& value, const std::string& key, const std::string& name);

}  // namespace siglip
