// What the files of a folder say about NaFlex preprocessing.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {

/// See Siglip2ImageProcessor::IsFor.
bool AsksForSiglip2Processor(const std::filesystem::path& folder);

/// The fields of transformers' preprocessor_config.json. `name` is what errors call the file.
Siglip2ImageProcessorConfig Siglip2ConfigFromJson(const Json& fields, const std::string& name);

/// Throws Error(code) unless every value is one that Preprocess can work with. `name` comes first
/// in the message.
void CheckSiglip2Config(const Siglip2ImageProcessorConfig& config, ErrorCode code,
                        const std::string& name);

}  // namespace siglip
