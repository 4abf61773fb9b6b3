// See vision_tensors.h.
#include "configuration/vision_tensors.h"

#include <cstdint>

#include "configuration/tensor_list.h"

namespace siglip {
namespace {

std::vector<TensorSpec> TowerTensors(const SiglipVisionTowerConfig& config,
                                     const Shape& patch_embedding, int64_t positions) {
  const int64_t size = config.hidden_size;
  const int64_t inner = config.intermediate_size;
  TensorList list("vision_model.");
  list.Add("embeddings.patch_embedding.weight", patch_embedding);
  list.Add("embeddings.patch_embedding.bias", {size});
  list.Add("embeddings.position_embedding.weight", {positions, size});
  list.AddEncoder(config);
  list.AddLayerNorm("post_layernorm", size);
  if (config.vision_use_head.value_or(true)) {
    list.Add("head.probe", {1, 1, size});
    list.AddAttention("head.attention", size);
    list.AddLayerNorm("head.layernorm", size);
    list.AddMlp("head.mlp", size, inner);
  }
  return list.Take();
}

}  // namespace

std::vector<TensorSpec> VisionTensors(const SiglipVisionConfig& config) {
  const int64_t side = config.patch_size;
  return TowerTensors(config, {config.hidden_size, config.num_channels, side, side},
                      config.num_patches());
}

std::vector<TensorSpec> VisionTensors(const Siglip2VisionConfig& config) {
  return TowerTensors(config, {config.hidden_size, config.patch_values()}, config.num_patches);
}

}  // namespace siglip
