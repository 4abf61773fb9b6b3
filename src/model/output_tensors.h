// The tensors that a forward pass fills in: new ones, or those that the caller hands in.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "siglip/tensor.hpp"

namespace siglip {

/// Zeros, in `tensor` unless that is empty. Throws Error(kMismatch) where it is another than F32 of
/// this shape. `name` is what errors call it.
void MakeRoomFor(Tensor& tensor, const std::string& name, const Shape& shape);

/// The same of `count` tensors, all of this shape. Throws Error(kMismatch), too, where there are
/// some but not as many.
void MakeRoomFor(std::vector<Tensor>& tensors, const std::string& name, size_t count,
                 const Shape& shape);

}  // namespace siglip
