// Writing models as checkpoint folders of transformers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "configuration/vision_tower_plan.h"
#include "weights/checkpoint_files.h"
#include "weights/weight_source.h"

namespace siglip {

/// Writes model.safetensors (F32, transformers' names) with these tensors, which go by their
/// canonical names, and config.json with this text beside what `files` has. Holds one tensor at a
/// time. All files appear whole or not at all. Throws as CheckpointFiles does.
void SaveCheckpoint(const WeightSource& weights, const std::vector<TensorSpec>& tensors,
                    const std::string& config_json, CheckpointFiles& files);

/// The same for an image tower alone, with preprocessor_config.json unless that is empty.
void SaveVisionCheckpoint(const WeightSource& weights, const AnyVisionConfig& config,
                          const std::filesystem::path& folder, const WriteOptions& options = {},
                          const std::string& preprocessor_json = {});

}  // namespace siglip
