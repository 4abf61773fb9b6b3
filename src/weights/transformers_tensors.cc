// See transformers_tensors.h.
#include "weights/transformers_tensors.h"

#include <map>

#include "weights/name_map.h"

namespace siglip {

std::vector<TransformersTensor> TransformersTensors(const std::vector<TensorSpec>& tensors) {
  std::vector<TransformersTensor> outputs;
  std::map<std::string, size_t> index_of;
  for (const TensorSpec& tensor : tensors) {
    const StoredName stored = TransformersName(tensor.name);
    const auto [known, is_new] = index_of.emplace(stored.name, outputs.size());
    if (is_new) {
      outputs.push_back({stored.name, tensor.shape, {}});
      Shape& shape = outputs.back().shape;
      if (!shape.empty()) shape.front() *= stored.blocks;
    }
    outputs[known->second].parts.push_back(tensor);
  }
  return outputs;
}

}  // namespace siglip
