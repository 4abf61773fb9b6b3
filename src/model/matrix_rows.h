// Dense tensors as the matrices that kernels take.
#pragma once

#include <cstdint>
#include <cstring>

#include "siglip/tensor.hpp"
#include "tensor/arena.h"

namespace siglip {

/// The rows of a dense tensor's last two axes as a matrix; `index` counts the axes before them.
inline Matrix DenseRows(float* data, int64_t index, int64_t rows, int64_t columns) {
  return {data + index * rows * columns, rows, columns, static_cast<size_t>(columns)};
}

inline ConstMatrix DenseRows(const float* data, int64_t index, int64_t rows, int64_t columns) {
  return {data + index * rows * columns, rows, columns, static_cast<size_t>(columns)};
}

/// Where the values of one item of the batch begin.
inline float* PlaceOf(Tensor& tensor, int64_t item) {
  return tensor.floats().data() + item * (tensor.size() / tensor.dim(0));
}

/// Copies the values of all rows of `from`.
inline void CopyRows(const ConstMatrix& from, const Matrix& to) {
  for (int64_t row = 0; row < from.rows; ++row) {
    std::memcpy(to.row(row), from.row(row), static_cast<size_t>(from.columns) * sizeof(float));
  }
}

}  // namespace siglip
