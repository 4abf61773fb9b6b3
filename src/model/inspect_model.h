// InspectModel of a checkpoint that is open already.
#pragma once

#include "siglip/model_info.h"
#include "weights/checkpoint.h"

namespace siglip {

/// As InspectModel of a folder (siglip/model_info.h).
ModelInfo InspectModel(const Checkpoint& checkpoint);

}  // namespace siglip
