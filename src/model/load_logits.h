// Scale and bias of a checkpoint that is open already.
#pragma once

#include "siglip/model.h"
#include "weights/checkpoint.h"

namespace siglip {

/// As SiglipLogits::FromPretrained.
SiglipLogits LoadLogits(const Checkpoint& checkpoint);

}  // namespace siglip
