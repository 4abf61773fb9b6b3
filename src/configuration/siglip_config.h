// The configurations of a checkpoint's towers, whichever project wrote them.
#pragma once

#include <string>

#include "base/json.h"
#include "siglip/transformers/configuration.hpp"
#include "weights/checkpoint.h"

namespace siglip {

/// What Checkpoint::ConfigOf says of the image tower. `vision_use_head` of the result is always
/// set: by the file where it says so, else by whether the checkpoint holds head.probe. Throws Error
/// for an unknown model_type or timm model name, and when a head is asked for but not there.
SiglipVisionConfig LoadVisionConfig(const Checkpoint& checkpoint);

/// The same for NaFlex checkpoints (model_type siglip2), which only transformers writes. The two
/// refuse each other's.
Siglip2VisionConfig LoadSiglip2VisionConfig(const Checkpoint& checkpoint);

/// The same of the text tower. Throws Error(kUnsupported) when there is none of SigLIP's.
SiglipTextConfig LoadTextConfig(const Checkpoint& checkpoint);

/// What these read off a config.json of transformers: flat, of a whole SigLIP, or with a
/// "vision_config" among other towers. `name` is what errors call it.
SiglipVisionConfig ParseVisionConfig(const Json& json, const std::string& name);
Siglip2VisionConfig ParseSiglip2Config(const Json& json, const std::string& name);
SiglipTextConfig ParseTextConfig(const Json& json, const std::string& name);

}  // namespace siglip
