// Writing models as checkpoint folders of transformers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "siglip/siglip2_vision_config.h"
#include "siglip/vision_config.h"
#include "weights/weight_source.h"

namespace siglip {

/// Writes model.safetensors (F32, transformers' names) with these tensors, which go by their
/// canonical names, and config.json with this text. Holds one tensor at a time. The folder is made
/// if need be; each file appears whole or not at all. Throws Error(kIo) naming the file.
void SaveCheckpoint(const WeightSource& weights, const std::vector<TensorSpec>& tensors,
                    const std::string& config_json, const std::filesystem::path& folder);

/// The same for an image tower alone.
void SaveVisionCheckpoint(const WeightSource& weights, const SiglipVisionConfig& config,
                          const std::filesystem::path& folder);
void SaveVisionCheckpoint(const WeightSource& weights, const Siglip2VisionConfig& config,
                          const std::filesystem::path& folder);

}  // namespace siglip
