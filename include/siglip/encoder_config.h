// What the image tower and the text tower have in common: the configuration of an encoder.
#pragma once

#include <cstdint>
#include <string>

namespace siglip {

/// The fields that SiglipVisionConfig and SiglipTextConfig share (transformers'
/// configuration_siglip.py), with their defaults.
struct SiglipEncoderConfig {
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  double layer_norm_eps = 1e-6;
  double attention_dropout = 0.0;  ///< Kept for the file; without effect in inference.
  std::string hidden_act = "gelu_pytorch_tanh";

  int64_t head_dim() const { return hidden_size / num_attention_heads; }
};

}  // namespace siglip
