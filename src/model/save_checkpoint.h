// Writing an image tower as a checkpoint folder.
#pragma once

#include <filesystem>

#include "siglip/siglip2_vision_config.h"
#include "siglip/vision_config.h"
#include "weights/weight_source.h"

namespace siglip {

/// Writes model.safetensors (F32, transformers' names) and config.json of a vision-only checkpoint.
/// Holds one tensor at a time. The folder is made if need be; each file appears whole or not at
/// all. Throws Error(kIo) naming the file.
void SaveVisionCheckpoint(const WeightSource& weights, const SiglipVisionConfig& config,
                          const std::filesystem::path& folder);
void SaveVisionCheckpoint(const WeightSource& weights, const Siglip2VisionConfig& config,
                          const std::filesystem::path& folder);

}  // namespace siglip
