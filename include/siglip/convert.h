// From the formats of other projects to that of transformers.
#pragma once

#include <filesystem>
#include <string>

#include "siglip/atomic_file.h"
#include "siglip/model_info.h"

namespace siglip {

/// Writes the towers of any checkpoint this library loads, with logit scale and bias when both
/// towers are there, as a folder of transformers: config.json and model.safetensors with F32
/// values, copies of the files for preprocessing and tokenizers. `preprocessor_json`, unless it is
/// empty, takes the place of the former, as preprocessor_config.json. The folder is made if need
/// be; all files appear together, whole or not at all. Holds one tensor in memory at a time. The
/// result says what was written. Throws as loading a model does, Error(kMismatch) for both towers
/// without logit scale and bias, Error(kInvalidArgument) for a packed checkpoint, Error(kIo).
ModelParts ConvertToTransformers(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& folder,
                                 const WriteOptions& options = {},
                                 const std::string& preprocessor_json = {});

}  // namespace siglip
