// See text_tensors.h.
#include "configuration/text_tensors.h"

#include "configuration/tensor_list.h"

namespace siglip {

std::vector<TensorSpec> TextTensors(const SiglipTextConfig& config) {
  TensorList list("text_model.");
  list.Add("embeddings.token_embedding.weight", {config.vocab_size, config.hidden_size});
  list.Add("embeddings.position_embedding.weight",
           {config.max_position_embeddings, config.hidden_size});
  list.AddEncoder(config);
  list.AddLayerNorm("final_layer_norm", config.hidden_size);
  list.AddLinear("head", config.embedding_size(), config.hidden_size);
  return list.Take();
}

}  // namespace siglip
