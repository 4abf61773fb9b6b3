// The configuration of a text tower as open_clip writes it.
#pragma once

#include <string>

#include "base/json.h"
#include "siglip/text_config.h"

namespace siglip {

/// "text_cfg" and "embed_dim" of open_clip_config.json or of one of its model_configs (see
/// IsOpenClipConfig). Fields left out have open_clip's defaults. Throws Error(kUnsupported) naming
/// the field that makes it another tower than SigLIP's: a causal mask, other pooling, ...
SiglipTextConfig ParseOpenClipTextConfig(const Json& json, const std::string& name);

}  // namespace siglip
