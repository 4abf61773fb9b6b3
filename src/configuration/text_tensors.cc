// See text_tensors.h.
#include "configuration/text_tensors.h"

#include "configuration/architecture.h"

namespace siglip {

std::vector<TensorSpec> TextTensors(const SiglipTextConfig& config) {
  return TextArchitecture(config).specs();
}

}  // namespace siglip
