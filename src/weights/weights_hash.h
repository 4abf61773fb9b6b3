// What tells the weights of two towers apart, whatever files they are stored in.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "weights/weight_source.h"

namespace siglip {

/// The SHA-256, in 64 hexadecimal digits, of the tensors as transformers names, shapes and orders
/// their elements, in ascending order of the bytes of their names. Of each tensor
///
///     u64 size of the name, the name, u64 count of extents, every extent as u64, values as float32
///
/// with all numbers little-endian. So neither layout nor dtype matter: values are those that a
/// stored number of any type stands for. `tensors` go by their canonical names. Holds one tensor at
/// a time. Throws as WeightSource does, and Error(kCancelled) once `*stop` is true.
std::string HashWeights(const WeightSource& weights, const std::vector<TensorSpec>& tensors,
                        const std::atomic<bool>* stop = nullptr);

/// The same without values: tells lists of tensors apart.
std::string HashTensorList(const std::vector<TensorSpec>& tensors);

}  // namespace siglip
