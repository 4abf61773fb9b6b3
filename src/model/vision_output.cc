// See vision_output.h.
#include "model/vision_output.h"

namespace siglip {

VisionOutput NewVisionOutput(const SiglipEncoderConfig& config, const OutputShape& shape,
                             const VisionForwardOptions& options) {
  const auto& [batch, tokens, has_head] = shape;
  const Shape token_shape = {batch, tokens, config.hidden_size};
  VisionOutput output;
  output.last_hidden_state = Tensor(DType::kF32, token_shape);
  if (has_head) output.pooler_output = Tensor(DType::kF32, {batch, config.hidden_size});
  if (options.output_hidden_states) {
    for (int64_t layer = 0; layer <= config.num_hidden_layers; ++layer) {
      output.hidden_states.emplace_back(DType::kF32, token_shape);
    }
  }
  if (options.output_attentions) {
    for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
      output.attentions.emplace_back(DType::kF32,
                                     Shape{batch, config.num_attention_heads, tokens, tokens});
    }
  }
  return output;
}

Error NoPoolingHead(const std::string& name) {
  return Error(
      ErrorCode::kUnsupported,
      name + ": the image tower has no pooling head, hence no embedding of a whole picture",
      "its patches have embeddings: siglip embed --tokens, last_hidden_state");
}

float* PlaceOf(Tensor& tensor, int64_t picture) {
  return tensor.floats().data() + picture * (tensor.size() / tensor.dim(0));
}

std::vector<float*> PlacesOf(std::vector<Tensor>& tensors, int64_t picture) {
  std::vector<float*> places;
  for (Tensor& tensor : tensors) places.push_back(PlaceOf(tensor, picture));
  return places;
}

}  // namespace siglip
