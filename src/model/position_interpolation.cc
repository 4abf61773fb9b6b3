// See position_interpolation.h. Source of the arithmetic: torch's aten/src/ATen/native/cpu/
// UpSampleKernel.cpp (for bilinear: weights with antialiasing; rows of the table first, then its
// columns).
#include "model/position_interpolation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace siglip {
namespace {

struct CubicTaps {
  std::array<int64_t, 4> index;
  std::array<float, 4> weight;
};

/// torch's upsample_bicubic2d with align_corners=False and no antialias: the four samples around
/// (i + 0.5) * in / out - 0.5, clamped to the table, with the cubic convolution of a = -0.75.
CubicTaps CubicTapsAt(int64_t i, int64_t in, int64_t out) {
  constexpr float kA = -0.75F;
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float position = scale * (static_cast<float>(i) + 0.5F) - 0.5F;
  const float base = std::floor(position);
  const float t = position - base;
  const auto near = [](float x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
  const auto far = [](float x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
  CubicTaps taps = {};
  taps.weight = {far(t + 1), near(t), near(1 - t), far(2 - t)};
  for (int64_t tap = 0; tap < 4; ++tap) {
    taps.index[static_cast<size_t>(tap)] =
        std::clamp<int64_t>(static_cast<int64_t>(base) - 1 + tap, 0, in - 1);
  }
  return taps;
}

/// Neighbours along one axis that an output is the weighted mean of.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};

/// The window of output `i` of `out` on an axis of `in` entries: a triangle, as wide as the outputs
/// are apart, but never narrower than the entries are.
Taps TapsAt(int64_t i, int64_t in, int64_t out) {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float support = scale >= 1.0F ? scale : 1.0F;
  const float inverse = scale >= 1.0F ? static_cast<float>(1.0 / scale) : 1.0F;
  const auto center = static_cast<float>(scale * (static_cast<double>(i) + 0.5));
  const auto bound = [](float position) { return static_cast<int64_t>(position + 0.5); };
  Taps taps;
  taps.first = std::max<int64_t>(bound(center - support), 0);
  // Rounding may let one entry more in than torch has room for.
  const int64_t most = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  const int64_t end = std::min({bound(center + support), in, taps.first + most});
  float total = 0;
  for (int64_t j = taps.first; j < end; ++j) {
    const double distance = static_cast<double>(static_cast<float>(j) - center) + 0.5;
    const float weight = std::max(0.0F, 1.0F - std::abs(static_cast<float>(distance * inverse)));
    taps.weights.push_back(weight);
    total += weight;
  }
  for (float& weight : taps.weights) weight /= total;
  return taps;
}

/// out += sum over the taps of weight * entry, entries being `stride` apart.
void AddWeighted(const Taps& taps, const float* entries, size_t stride, size_t width, float* out) {
  const float* entry = entries + static_cast<size_t>(taps.first) * stride;
  for (const float weight : taps.weights) {
    for (size_t d = 0; d < width; ++d) out[d] += weight * entry[d];
    entry += stride;
  }
}

}  // namespace

MatrixBuffer InterpolateBicubic(const SquareTable& table, int64_t rows, int64_t columns) {
  const int64_t side = table.side;
  const auto width = static_cast<size_t>(table.width);
  const auto entry = [&](int64_t y, int64_t x) {
    return table.values.data() + static_cast<size_t>(y * side + x) * width;
  };
  const bool is_table = rows == side && columns == side;
  MatrixBuffer resized(rows * columns, table.width);
  for (int64_t y = 0; y < rows; ++y) {
    const CubicTaps vertical = CubicTapsAt(y, side, rows);
    for (int64_t x = 0; x < columns; ++x) {
      float* const out = resized.matrix().row(y * columns + x);
      if (is_table) {
        std::copy_n(entry(y, x), width, out);
        continue;
      }
      const CubicTaps horizontal = CubicTapsAt(x, side, columns);
      for (size_t i = 0; i < 4; ++i) {
        for (size_t j = 0; j < 4; ++j) {
          const float weight = vertical.weight[i] * horizontal.weight[j];
          const float* from = entry(vertical.index[i], horizontal.index[j]);
          for (size_t d = 0; d < width; ++d) out[d] += weight * from[d];
        }
      }
    }
  }
  return resized;
}

MatrixBuffer InterpolateBilinear(const SquareTable& table, int64_t rows, int64_t columns) {
  const auto width = static_cast<size_t>(table.width);
  const size_t narrowed_row = static_cast<size_t>(columns) * width;
  std::vector<float> narrowed(static_cast<size_t>(table.side) *
                              narrowed_row);  // [side, columns, width]
  for (int64_t x = 0; x < columns; ++x) {
    const Taps taps = TapsAt(x, table.side, columns);
    for (int64_t y = 0; y < table.side; ++y) {
      AddWeighted(taps, table.values.data() + static_cast<size_t>(y * table.side) * width, width,
                  width, narrowed.data() + static_cast<size_t>(y * columns + x) * width);
    }
  }
  MatrixBuffer resized(rows * columns, table.width);
  for (int64_t y = 0; y < rows; ++y) {
    const Taps taps = TapsAt(y, table.side, rows);
    for (int64_t x = 0; x < columns; ++x) {
      AddWeighted(taps, narrowed.data() + static_cast<size_t>(x) * width, narrowed_row, width,
                  resized.matrix().row(y * columns + x));
    }
  }
  return resized;
}

}  // namespace siglip
