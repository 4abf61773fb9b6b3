// The configuration of an image tower as timm and open_clip write it.
#pragma once

#include <string>

#include "base/json.h"
#include "siglip/vision_config.h"

namespace siglip {

/// timm's config.json: "architecture", "model_args", "pretrained_cfg".
bool IsTimmConfig(const Json& json);
/// What is not in "model_args" follows from the name of the architecture; a name this library does
/// not know is an Error(kUnsupported) unless "model_args" says everything.
SiglipVisionConfig ParseTimmConfig(const Json& json, const std::string& name);

/// open_clip's open_clip_config.json, or one of its model_configs: "vision_cfg".
bool IsOpenClipConfig(const Json& json);
/// As ParseTimmConfig, with "vision_cfg" and "timm_model_name".
SiglipVisionConfig ParseOpenClipConfig(const Json& json, const std::string& name);

}  // namespace siglip
