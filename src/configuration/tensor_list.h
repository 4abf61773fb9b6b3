// Putting together the list of tensors that a part of a model consists of.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "siglip/encoder_config.h"
#include "weights/weight_source.h"

namespace siglip {

class TensorList {
 public:
  /// `root` precedes every name, e.g. "vision_model.".
  explicit TensorList(std::string root) : root_(std::move(root)) {}

  void Add(const std::string& name, const Shape& shape) {
    tensors_.push_back({root_ + name, shape});
  }
  void AddLinear(const std::string& name, int64_t outputs, int64_t inputs) {
    Add(name + ".weight", {outputs, inputs});
    Add(name + ".bias", {outputs});
  }
  void AddLayerNorm(const std::string& name, int64_t size) {
    Add(name + ".weight", {size});
    Add(name + ".bias", {size});
  }
  void AddAttention(const std::string& name, int64_t size) {
    for (const char* projection : {".q_proj", ".k_proj", ".v_proj", ".out_proj"}) {
      AddLinear(name + projection, size, size);
    }
  }
  void AddMlp(const std::string& name, int64_t size, int64_t inner) {
    AddLinear(name + ".fc1", inner, size);
    AddLinear(name + ".fc2", size, inner);
  }
  /// "encoder.layers.0" and so on.
  void AddEncoder(const SiglipEncoderConfig& config) {
    for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
      const std::string layer = "encoder.layers." + std::to_string(i);
      AddLayerNorm(layer + ".layer_norm1", config.hidden_size);
      AddAttention(layer + ".self_attn", config.hidden_size);
      AddLayerNorm(layer + ".layer_norm2", config.hidden_size);
      AddMlp(layer + ".mlp", config.hidden_size, config.intermediate_size);
    }
  }
  std::vector<TensorSpec> Take() { return std::move(tensors_); }

 private:
  const std::string root_;
  std::vector<TensorSpec> tensors_;
};

}  // namespace siglip
