// See vision_tensors.h.
#include "model/vision_tensors.h"

#include <cstdint>
#include <string>

namespace siglip {
namespace {

class TensorList {
 public:
  void Add(const std::string& name, const Shape& shape) {
    tensors_.push_back({"vision_model." + name, shape});
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
  std::vector<TensorSpec> Take() { return std::move(tensors_); }

 private:
  std::vector<TensorSpec> tensors_;
};

}  // namespace

std::vector<TensorSpec> VisionTensors(const SiglipVisionConfig& config) {
  const int64_t size = config.hidden_size;
  const int64_t inner = config.intermediate_size;
  TensorList list;
  list.Add("embeddings.patch_embedding.weight",
           {size, config.num_channels, config.patch_size, config.patch_size});
  list.Add("embeddings.patch_embedding.bias", {size});
  list.Add("embeddings.position_embedding.weight", {config.num_patches(), size});
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string layer = "encoder.layers." + std::to_string(i);
    list.AddLayerNorm(layer + ".layer_norm1", size);
    list.AddAttention(layer + ".self_attn", size);
    list.AddLayerNorm(layer + ".layer_norm2", size);
    list.AddMlp(layer + ".mlp", size, inner);
  }
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
