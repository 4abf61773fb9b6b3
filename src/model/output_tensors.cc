#include "model/output_tensors.h"

#include <algorithm>

#include "siglip/error.hpp"

namespace siglip {

void MakeRoomFor(Tensor& tensor, const std::string& name, const Shape& shape) {
  if (tensor.shape() == Tensor().shape()) {
    tensor = Tensor(DType::kF32, shape);
    return;
  }
  if (tensor.dtype() != DType::kF32 || tensor.shape() != shape) {
    throw Error(ErrorCode::kMismatch,
                name + ": the output is F32 " + ToString(shape) + ", the tensor given for it is " +
                    std::string(ToString(tensor.dtype())) + " " + ToString(tensor.shape()));
  }
  std::ranges::fill(tensor.floats(), 0.0F);
}

void MakeRoomFor(std::vector<Tensor>& tensors, const std::string& name, size_t count,
                 const Shape& shape) {
  if (!tensors.empty() && tensors.size() != count) {
    throw Error(ErrorCode::kMismatch, name + ": there are " + std::to_string(count) + " outputs, " +
                                          std::to_string(tensors.size()) +
                                          " tensors given for them");
  }
  tensors.resize(count);
  for (size_t i = 0; i < count; ++i) {
    MakeRoomFor(tensors[i], name + "." + std::to_string(i), shape);
  }
}

}  // namespace siglip
