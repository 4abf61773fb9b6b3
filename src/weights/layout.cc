// See layout.h.
#include "weights/layout.h"

#include <algorithm>
#include <cstdint>

namespace siglip {
namespace {

/// One value: transformers stores it with shape [1], open_clip as a scalar.
bool IsSingle(const Shape& shape) { return shape.empty() || shape == Shape{1}; }

/// Whether every extent of `expected` is the product of the next extents of `found`.
bool IsSplit(const Shape& found, const Shape& expected) {
  auto next = found.begin();
  for (int64_t extent : expected) {
    if (next == found.end()) return false;
    int64_t product = *next++;
    while (product < extent && next != found.end()) {
      if (__builtin_mul_overflow(product, *next++, &product)) return false;
    }
    if (product != extent) return false;
  }
  return std::all_of(next, found.end(), [](int64_t extent) { return extent == 1; });
}

/// [rows, columns] -> [columns, rows], in tiles that fit into a cache.
void Transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  constexpr int64_t kTile = 32;
  for (int64_t row = 0; row < rows; row += kTile) {
    for (int64_t column = 0; column < columns; column += kTile) {
      for (int64_t i = row; i < std::min(row + kTile, rows); ++i) {
        for (int64_t j = column; j < std::min(column + kTile, columns); ++j) {
          to[j * rows + i] = from[i * columns + j];
        }
      }
    }
  }
}

}  // namespace

Shape StoredShape(const StoredName& stored, const Shape& shape) {
  Shape result = shape;
  if (stored.layout == Layout::kInputsFirst && shape.size() == 2) result = {shape[1], shape[0]};
  if (stored.layout == Layout::kInputsFirst && shape.size() == 4) {
    result = {shape[2], shape[3], shape[1], shape[0]};
  }
  if (!result.empty()) result.front() *= stored.blocks;
  if (stored.leading_one) result.insert(result.begin(), 1);
  return result;
}

bool FitsShape(const StoredName& stored, const Shape& found, const Shape& expected) {
  if (stored.layer) {
    return !found.empty() && found.front() > *stored.layer &&
           IsSplit({found.begin() + 1, found.end()}, expected);
  }
  if (stored.is_split && IsSplit(found, expected)) return true;
  return found == expected || (IsSingle(found) && IsSingle(expected));
}

std::vector<float> FromLayout(Layout layout, std::vector<float> values, const Shape& shape) {
  if (layout == Layout::kOutputsFirst || shape.size() < 2) return values;
  const int64_t outputs = shape[0];
  const auto inputs = static_cast<int64_t>(values.size()) / std::max<int64_t>(outputs, 1);
  std::vector<float> result(values.size());
  if (shape.size() == 2) {
    Transpose(values.data(), inputs, outputs, result.data());
    return result;
  }
  // [rows * columns, channels, outputs] -> [outputs, channels, rows * columns]
  const int64_t channels = shape[1];
  const int64_t pixels = shape[2] * shape[3];
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      const float* from = values.data() + (pixel * channels + channel) * outputs;
      for (int64_t output = 0; output < outputs; ++output) {
        result[static_cast<size_t>((output * channels + channel) * pixels + pixel)] = from[output];
      }
    }
  }
  return result;
}

}  // namespace siglip
