// What is known of a checkpoint that is open; see siglip/model_info.h.
#pragma once

#include "siglip/model_info.h"
#include "weights/checkpoint.h"

namespace siglip {

/// As InspectModel, but for the shapes of packed tensors, which only the layers that read them
/// know.
ModelInfo DescribeModel(const Checkpoint& checkpoint);

}  // namespace siglip
