// Weights laid out as the GEMM kernels read them.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/kernels.h"
#include "tensor/arena.h"

namespace siglip {

/// A weight [outputs, inputs] (torch's Linear) in panels of `panel_columns` outputs: panel p holds
/// [inputs][panel_columns], the outputs p * panel_columns + j side by side; missing ones are zero.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(std::span<const float> weight, int64_t outputs, int64_t inputs, int panel_columns);

  int64_t outputs() const { return outputs_; }
  int64_t inputs() const { return inputs_; }
  int panel_columns() const { return panel_columns_; }
  int64_t panels() const { return (outputs_ + panel_columns_ - 1) / panel_columns_; }
  const float* panel(int64_t index) const {
    return data_.data() + static_cast<size_t>(index * inputs_ * panel_columns_);
  }
  int64_t bytes() const { return static_cast<int64_t>(data_.size() * sizeof(float)); }

 private:
  int64_t outputs_ = 0;
  int64_t inputs_ = 0;
  int panel_columns_ = 0;
  FloatBuffer data_;
};

}  // namespace siglip
