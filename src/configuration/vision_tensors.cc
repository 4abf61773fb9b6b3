// See vision_tensors.h.
#include "configuration/vision_tensors.h"

#include "configuration/architecture.h"

namespace siglip {

std::vector<TensorSpec> VisionTensors(const SiglipVisionConfig& config) {
  return VisionArchitecture(config).specs();
}

std::vector<TensorSpec> VisionTensors(const Siglip2VisionConfig& config) {
  return VisionArchitecture(config).specs();
}

}  // namespace siglip
