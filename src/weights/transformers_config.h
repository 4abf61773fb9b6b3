// From the configurations of other projects to transformers'.
#pragma once

#include <string>

#include "base/json.h"
#include "weights/name_map.h"

namespace siglip {

/// A config.json of transformers for this tower, kVision or kText, out of one of transformers, timm
/// or open_clip, or of Idefics 3 and its like, whose image tower goes by another name. JSON that is
/// of none of them is given back as it is. `name` is what errors call it.
///
/// Formats without such a file, big_vision's and llama.cpp's, have a configuration of transformers
/// from when they are opened (Checkpoint::config).
Json TransformersConfig(const Json& config, Part tower, const std::string& name);

}  // namespace siglip
