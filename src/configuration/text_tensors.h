// Which tensors a text tower consists of.
#pragma once

#include <vector>

#include "siglip/transformers/configuration.hpp"
#include "weights/weight_source.h"

namespace siglip {

/// Every tensor of the tower under its canonical name, in the order of the forward pass.
std::vector<TensorSpec> TextTensors(const SiglipTextConfig& config);

}  // namespace siglip
