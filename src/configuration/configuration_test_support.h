// What the tests of configurations and checkpoints share.
#pragma once

#include <string>
#include <vector>

#include "siglip/error.hpp"
#include "siglip/transformers/configuration.hpp"

namespace siglip {

/// Fields of a config.json that are refused, and parts of what is said of them.
struct BadValue {
  std::string json;  // the fields
  ErrorCode code;
  std::vector<std::string> parts;
};

/// Without a pooling head.
inline SiglipVisionConfig TinyConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 8;
  config.intermediate_size = 12;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.image_size = 12;
  config.patch_size = 4;
  return config;
}

}  // namespace siglip
