// See vision_tensors.h.
#include "model/vision_tensors.h"

#include <cstdint>

#include "model/tensor_list.h"

namespace siglip {
std::vector<TensorSpec> VisionTensors(const SiglipVisionConfig& config) {
  const int64_t size = config.hidden_size;
  const int64_t inner = config.intermediate_size;
  TensorList list("vision_model.");
  list.Add("embeddings.patch_embedding.weight",
           {size, config.num_channels, config.patch_size, config.patch_size});
  list.Add("embeddings.patch_embedding.bias", {size});
  list.Add("embeddings.position_embedding.weight", {config.num_patches(), size});
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

}  // namespace siglip
