// The configuration of an image tower in llama.cpp's multimodal projector files ("mmproj").
#pragma once

#include <string>

#include "base/json.h"

namespace siglip {

/// A config.json of transformers from a GGUF file's metadata. `name` is what errors call the file.
/// Throws Error(kUnsupported) for a file without image tower, Error(kMalformedFile) when a field is
/// missing or of another type.
Json GgufVisionConfig(const Json& metadata, const std::string& name);

}  // namespace siglip
