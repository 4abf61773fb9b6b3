// Which tensors an image tower consists of.
#pragma once

#include <vector>

#include "siglip/siglip2_vision_config.h"
#include "siglip/vision_config.h"
#include "weights/weight_source.h"

namespace siglip {

/// Every tensor of the tower under its canonical name, in the order of the forward pass; the
/// pooling head's unless config.vision_use_head is false.
std::vector<TensorSpec> VisionTensors(const SiglipVisionConfig& config);
std::vector<TensorSpec> VisionTensors(const Siglip2VisionConfig& config);

}  // namespace siglip
