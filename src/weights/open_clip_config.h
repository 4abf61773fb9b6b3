// The configuration of a model as open_clip writes it.
#pragma once

#include <string>

#include "base/json.h"

namespace siglip {

/// open_clip's open_clip_config.json, or one of its model_configs: "vision_cfg" and "text_cfg".
bool IsOpenClipConfig(const Json& json);

/// A config.json of transformers for the image tower, which timm runs: as TimmVisionConfig, with
/// "vision_cfg" and its "timm_model_name".
Json OpenClipVisionConfig(const Json& json, const std::string& name);

/// The same for the text tower. Throws Error(kUnsupported) naming the field for a tower that is
/// none of SigLIP's.
Json OpenClipTextConfig(const Json& json, const std::string& name);

}  // namespace siglip
