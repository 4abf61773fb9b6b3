// The configuration of the image towers in Idefics 3 and SmolVLM, which are SigLIP's.
#pragma once

#include <string>

#include "base/json.h"

namespace siglip {

/// Whether the "vision_config" of a config.json describes such a tower.
bool IsIdeficsConfig(const Json& config);

/// That config.json with its "vision_config" made one of model type "siglip_vision_model". These
/// towers number the positions of a picture by a calculation with floats. Where it does not count
/// 0, 1, 2, ... for a picture of full size, Error(kUnsupported) is thrown. `name` is what errors
/// call the configuration.
Json IdeficsVisionConfig(const Json& config, const std::string& name);

/// Whether that calculation counts 0, 1, 2, ... for `side` patches a side.
bool PositionsAreInOrder(int64_t side);

}  // namespace siglip
