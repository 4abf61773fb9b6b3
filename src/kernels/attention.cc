#include "kernels/attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/gemm.h"

namespace siglip {
namespace {

int64_t Panels(int64_t count, const Kernels& kernels) {
  return (count + kernels.panel_columns - 1) / kernels.panel_columns;
}

/// product[rows, count] = a[rows, depth] * panels, one panel after the other.
void MultiplyPanels(const Kernels& kernels, int rows, int64_t count, int64_t depth, const float* a,
                    size_t a_stride, const float* panels, float* product, size_t product_stride) {
  for (int64_t column = 0; column < count; column += kernels.panel_columns) {
    const int64_t columns = std::min<int64_t>(kernels.panel_columns, count - column);
    kernels.gemm_tile(rows, static_cast<int>(columns), static_cast<size_t>(depth), a, a_stride,
                      panels + column * depth, product + column, product_stride, false);
  }
}

}  // namespace

size_t KeyPanelFloats(const AttentionShape& shape, const Kernels& kernels) {
  return static_cast<size_t>(shape.heads * Panels(shape.tokens, kernels) * shape.head_dim *
                             kernels.panel_columns);
}

size_t ValuePanelFloats(const AttentionShape& shape, const Kernels& kernels) {
  return static_cast<size_t>(shape.heads * Panels(shape.head_dim, kernels) * shape.tokens *
                             kernels.panel_columns);
}

size_t AttentionScratchFloats(const AttentionShape& shape, const Kernels& kernels) {
  return static_cast<size_t>(kernels.tile_rows) *
         (MatrixStride(shape.tokens) + MatrixStride(shape.head_dim));
}

void PackKeysAndValues(const Kernels& kernels, const AttentionShape& shape, const Matrix& qkv,
                       int64_t begin, int64_t end, const AttentionPanels& panels) {
  const int64_t width = kernels.panel_columns;
  const int64_t hidden = shape.heads * shape.head_dim;
  const int64_t head_keys = Panels(shape.tokens, kernels) * shape.head_dim * width;
  const int64_t head_values = Panels(shape.head_dim, kernels) * shape.tokens * width;
  for (int64_t token = begin; token < end; ++token) {
    const float* key = qkv.row(token) + hidden;
    const float* value = key + hidden;
    for (int64_t head = 0; head < shape.heads; ++head) {
      float* keys =
          panels.keys + head * head_keys + token / width * shape.head_dim * width + token % width;
      for (int64_t d = 0; d < shape.head_dim; ++d) keys[d * width] = *key++;
      float* values = panels.values + head * head_values + token * width;
      for (int64_t d = 0; d < shape.head_dim; d += width, values += shape.tokens * width) {
        const int64_t count = std::min(width, shape.head_dim - d);
        std::copy_n(value + d, count, values);
      }
      value += shape.head_dim;
    }
  }
}

void Attention(const Kernels& kernels, const AttentionShape& shape, const Matrix& qkv,
               const AttentionPanels& panels, int64_t begin, int64_t end, const Matrix& out,
               float* probabilities, float* scratch) {
  const int64_t tokens = shape.tokens;
  const int64_t head_keys =
      Panels(tokens, kernels) * shape.head_dim * static_cast<int64_t>(kernels.panel_columns);
  const int64_t head_values =
      Panels(shape.head_dim, kernels) * tokens * static_cast<int64_t>(kernels.panel_columns);
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
  // A strip of a few queries against all keys: its scores stay in the cache, and the softmax sees
  // whole rows.
  const Matrix scores = {scratch, kernels.tile_rows, tokens, MatrixStride(tokens)};
  const Matrix context = {scores.row(kernels.tile_rows), kernels.tile_rows, shape.head_dim,
                          MatrixStride(shape.head_dim)};
  const int64_t strips = TileCount(end - begin, kernels.tile_rows);
  for (int64_t head = 0; head < shape.heads; ++head) {
    const int64_t column = head * shape.head_dim;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const RowRange range = TileRows(end - begin, kernels.tile_rows, strip);
      const int64_t first = begin + range.begin;
      const int rows = static_cast<int>(range.end - range.begin);
      MultiplyPanels(kernels, rows, tokens, shape.head_dim, qkv.row(first) + column, qkv.stride,
                     panels.keys + head * head_keys, scores.data, scores.stride);
      float inverse_sums[16];
      for (int row = 0; row < rows; ++row) {
        inverse_sums[row] = 1.0F / kernels.softmax_exponentials(static_cast<size_t>(tokens), scale,
                                                                scores.row(row));
      }
      MultiplyPanels(kernels, rows, shape.head_dim, tokens, scores.data, scores.stride,
                     panels.values + head * head_values, context.data, context.stride);
      for (int row = 0; row < rows; ++row) {
        kernels.scale(static_cast<size_t>(shape.head_dim), inverse_sums[row], context.row(row),
                      out.row(first + row) + column);
        if (probabilities != nullptr) {
          kernels.scale(static_cast<size_t>(tokens), inverse_sums[row], scores.row(row),
                        probabilities + (head * tokens + first + row) * tokens);
        }
      }
    }
  }
}

}  // namespace siglip
