#include "kernels/packing.h"

#include <algorithm>

namespace siglip {

PackedMatrix::PackedMatrix(std::span<const float> weight, int64_t outputs, int64_t inputs,
                           int panel_columns)
    : outputs_(outputs), inputs_(inputs), panel_columns_(panel_columns) {
  data_ = FloatBuffer(static_cast<size_t>(panels() * inputs * panel_columns));
  // Sixteen inputs at a time: one cache line of each of the panel's rows of `weight`.
  constexpr int64_t kBlock = 16;
  for (int64_t panel = 0; panel < panels(); ++panel) {
    const int64_t first = panel * panel_columns;
    const int64_t columns = std::min<int64_t>(panel_columns, outputs - first);
    float* out = data_.data() + panel * inputs * panel_columns;
    for (int64_t begin = 0; begin < inputs; begin += kBlock) {
      const int64_t end = std::min(inputs, begin + kBlock);
      for (int64_t column = 0; column < columns; ++column) {
        const float* in = weight.data() + (first + column) * inputs;
        for (int64_t input = begin; input < end; ++input) {
          out[input * panel_columns + column] = in[input];
        }
      }
    }
  }
}

}  // namespace siglip
