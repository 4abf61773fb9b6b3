// What is known of a checkpoint that is open; see siglip/checkpoint.hpp.
#pragma once

#include "siglip/checkpoint.hpp"
#include "weights/checkpoint.h"

namespace siglip {

/// As InspectModel, but for the shapes of packed tensors, which only the layers that read them
/// know.
ModelInfo DescribeModel(const Checkpoint& checkpoint);

}  // namespace siglip
