// The tensors that a forward pass of an image tower fills in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "siglip/error.h"
#include "siglip/vision_model.h"

namespace siglip {

struct OutputShape {
  int64_t batch = 0;
  int64_t tokens = 0;
  bool has_head = false;
};

/// Filled with zeros. hidden_states and attentions hold what `options` ask for.
VisionOutput NewVisionOutput(const SiglipEncoderConfig& config, const OutputShape& shape,
                             const VisionForwardOptions& options);

/// To be thrown where a pooled output is wanted of an image tower without a head. `name` is what
/// the model is called.
Error NoPoolingHead(const std::string& name);

/// Where the values of one picture of the batch begin.
float* PlaceOf(Tensor& tensor, int64_t picture);
std::vector<float*> PlacesOf(std::vector<Tensor>& tensors, int64_t picture);

}  // namespace siglip
