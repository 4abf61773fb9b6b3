// Comparing outputs with golden values, for tests that use the public headers only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "siglip/safetensors.hpp"
#include "siglip/tensor.hpp"
#include "source_folders.h"

namespace siglip {

/// Every row of the last axis may be this far from the expected one, relative to its norm.
inline constexpr double kTolerance = 2e-5;
/// Logits, probabilities and loss may be this far off, relative to the largest of them.
inline constexpr double kLogitTolerance = 1e-4;

inline Tensor ReadFloats(const SafetensorsFile& file, const std::string& name) {
  const TensorView view = file.Get(name);
  Tensor tensor(DType::kF32, view.shape());
  ConvertToFloat(view, tensor.floats());
  return tensor;
}

/// The tensor as it is stored.
inline Tensor ReadTensor(const SafetensorsFile& file, const std::string& name) {
  return Tensor(file.Get(name));
}

/// Largest relative L2 distance of a row of the last axis.
inline double LargestRowError(const Tensor& found, const Tensor& expected) {
  const auto columns = static_cast<size_t>(expected.dim(-1));
  double largest = 0;
  for (size_t begin = 0; begin < static_cast<size_t>(expected.size()); begin += columns) {
    double distance = 0;
    double norm = 0;
    for (size_t i = begin; i < begin + columns; ++i) {
      const double e = expected.floats()[i];
      distance += (found.floats()[i] - e) * (found.floats()[i] - e);
      norm += e * e;
    }
    const double error = std::sqrt(distance / norm);
    if (!(error <= largest)) largest = error;  // keeps NaN
  }
  return largest;
}

/// Largest difference of two elements, relative to the largest magnitude expected.
inline double LargestError(const Tensor& found, const Tensor& expected) {
  double largest = 0;
  double magnitude = 0;
  for (size_t i = 0; i < expected.floats().size(); ++i) {
    const double e = expected.floats()[i];
    magnitude = std::max(magnitude, std::abs(e));
    const double error = std::abs(found.floats()[i] - e);
    if (!(error <= largest)) largest = error;  // keeps NaN
  }
  return largest / magnitude;
}

/// The first rows of the outermost axis.
inline Tensor FirstRows(const Tensor& tensor, int64_t rows) {
  Shape shape = tensor.shape();
  shape[0] = rows;
  Tensor first(tensor.dtype(), shape);
  std::ranges::copy(tensor.bytes().first(first.bytes().size()), first.bytes().begin());
  return first;
}

}  // namespace siglip
