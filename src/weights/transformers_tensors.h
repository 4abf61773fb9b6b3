// The tensors of a model as transformers saves them.
#pragma once

#include <string>
#include <vector>

#include "weights/weight_source.h"

namespace siglip {

/// A tensor under transformers' name: the canonical tensors whose rows follow each other in it.
struct TransformersTensor {
  std::string name;
  Shape shape;
  std::vector<TensorSpec> parts;
};

/// In the order of `tensors`, which go by their canonical names. transformers packs the query, key
/// and value projections of the pooling head into one tensor, which stands where its first part
/// would.
std::vector<TransformersTensor> TransformersTensors(const std::vector<TensorSpec>& tensors);

}  // namespace siglip
