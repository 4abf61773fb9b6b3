#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/gemm.h"
#include "kernels/panel_layout.h"

namespace siglip {
namespace {

/// Words of one head's keys: columns are tokens.
int64_t HeadKeys(const AttentionShape& shape, const Kernels& kernels) {
  const PanelLayout layout = LayoutOf(kernels, shape.type);
  return layout.Count(shape.tokens) * layout.Size(WordCount(shape.type, shape.head_dim));
}

/// Words of one head's values: columns are components.
int64_t HeadValues(const AttentionShape& shape, const Kernels& kernels) {
  const PanelLayout layout = LayoutOf(kernels, shape.type);
  return layout.Count(shape.head_dim) * layout.Size(WordCount(shape.type, shape.tokens));
}

/// The thirds of a row of `qkv`.
enum Part { kQueries, kKeys, kValues };

/// Tokens [begin, end) of one head.
Operand HeadOf(const AttentionShape& shape, const Operand& qkv, Part part, int64_t head,
               int64_t begin, int64_t end) {
  const int64_t words = WordCount(shape.type, shape.head_dim);
  return {qkv.row(begin) + (part * shape.heads + head) * words, end - begin, words, qkv.stride};
}

/// Turns scores into exp((score - largest of the row) * scale), which are also what is multiplied
/// with the values.
Operand Exponentials(const Kernels& kernels, OperandType type, const Matrix& scores, float scale,
                     float* sums, float* scratch) {
  const auto rows = static_cast<int>(scores.rows);
  const auto count = static_cast<size_t>(scores.columns);
  if (type == OperandType::kFloat32) {
    kernels.softmax_exponentials(rows, count, scale, scores.data, scores.stride, sums);
    return {reinterpret_cast<const uint32_t*>(scores.data), scores.rows, scores.columns,
            scores.stride};
  }
  const int64_t words = WordCount(type, scores.columns);
  const size_t stride = MatrixStride(words);
  kernels.softmax_exponentials_bfloat16(rows, count, scale, scores.data, scores.stride, sums,
                                        reinterpret_cast<uint16_t*>(scratch), 2 * stride);
  return {reinterpret_cast<const uint32_t*>(scratch), scores.rows, words, stride};
}

/// Puts `in` times `factor` into columns `column` and on of a row.
void PutScaled(const Kernels& kernels, const float* in, int64_t count, float factor,
               const OperandBuffer& out, int64_t row, int64_t column) {
  uint32_t* const words = out.words + static_cast<size_t>(row) * out.stride;
  if (out.type == OperandType::kBFloat16) {
    kernels.scale_bfloat16(static_cast<size_t>(count), factor, in,
                           reinterpret_cast<uint16_t*>(words) + column);
  } else {
    kernels.scale(static_cast<size_t>(count), factor, in, reinterpret_cast<float*>(words) + column);
  }
}

/// product[rows, count] = a * panels, one panel after the other.
void MultiplyPanels(const Kernels& kernels, OperandType type, const Operand& a, int64_t count,
                    const float* panels, const Matrix& product) {
  const PanelLayout layout = LayoutOf(kernels, type);
  const int64_t size = layout.Size(a.depth);
  for (int64_t column = 0; column < count; column += layout.columns, panels += size) {
    const int64_t columns = std::min(layout.columns, count - column);
    const auto* panel = reinterpret_cast<const uint32_t*>(panels);
    kernels.gemm_tile[static_cast<int>(type)](
        static_cast<int>(a.rows), static_cast<int>(columns), static_cast<size_t>(a.depth), a.words,
        a.stride, panel, false, product.data + column, product.stride, panel);
  }
}

/// Puts keys of tokens `token` and on into the columns of one panel.
void PackKeys(const Kernels& kernels, const PanelLayout& layout, const Operand& keys, int64_t token,
              float* panels) {
  float* const panel = panels + token / layout.columns * layout.Size(keys.depth);
  const int64_t column = token % layout.columns;
  if (layout.column_words == 1) {
    kernels.transpose(static_cast<size_t>(keys.rows), static_cast<size_t>(keys.depth),
                      reinterpret_cast<const float*>(keys.words), keys.stride, panel + column,
                      static_cast<size_t>(layout.columns));
    return;
  }
  for (int64_t word = 0; word < keys.depth; word += layout.column_words) {
    const auto count = static_cast<size_t>(std::min(layout.column_words, keys.depth - word));
    float* const out = panel + layout.Offset(word, column);
    for (int64_t row = 0; row < keys.rows; ++row) {
      std::memcpy(out + row * layout.column_words, keys.row(row) + word, count * sizeof(float));
    }
  }
}

/// Puts values of tokens `token` and on into rows of the panels.
void PackFloatValues(const Operand& values, int64_t token, int64_t tokens, int64_t width,
                     float* panels) {
  for (int64_t d = 0; d < values.depth; d += width, panels += tokens * width) {
    const auto bytes = static_cast<size_t>(std::min(width, values.depth - d)) * sizeof(float);
    for (int64_t row = 0; row < values.rows; ++row) {
      std::memcpy(panels + (token + row) * width, values.row(row) + d, bytes);
    }
  }
}

/// One value of each of two tokens in every word, the first one's in the lower half; words stand
/// kStep apart, which compilers must know to write vectors of them.
template <int64_t kStep>
void Interleave(const uint16_t* first, const uint16_t* second, int64_t count, uint32_t* out) {
  for (int64_t i = 0; i < count; ++i) {
    out[i * kStep] = first[i] | static_cast<uint32_t>(second[i]) << 16U;
  }
}

/// The same where a word holds two tokens, the even one in its lower half. What no token fills is
/// zero: the product takes it along, and what is left there of others may not even be a number.
void PackBFloat16Values(const PanelLayout& layout, const Operand& values, int64_t token,
                        int64_t tokens, float* panels) {
  const int64_t head_dim = 2 * values.depth;
  const int64_t size = layout.Size(WordCount(OperandType::kBFloat16, tokens));
  const int64_t step = layout.column_words;
  const auto interleave = step == 1 ? Interleave<1> : Interleave<2>;
  for (int64_t d = 0; d < head_dim; d += layout.columns, panels += size) {
    const int64_t count = std::min(layout.columns, head_dim - d);
    const auto row_of = [&](int64_t row) {
      return reinterpret_cast<const uint16_t*>(values.row(row)) + d;
    };
    for (int64_t row = 0; row < values.rows;) {
      float* const out = panels + layout.Offset((token + row) / 2, 0);
      const int64_t half = (token + row) % 2;
      if (half == 0 && row + 1 < values.rows) {
        interleave(row_of(row), row_of(row + 1), count, reinterpret_cast<uint32_t*>(out));
        row += 2;
        continue;
      }
      // Another thread may write the other half.
      auto* const halves = reinterpret_cast<uint16_t*>(out);
      for (int64_t i = 0; i < count; ++i) halves[2 * i * step + half] = row_of(row)[i];
      if (half == 0 && token + row + 1 == tokens) {
        for (int64_t i = 0; i < count; ++i) halves[2 * i * step + 1] = 0;
      }
      ++row;
    }
  }
}

}  // namespace

size_t KeyPanelFloats(const AttentionShape& shape, const Kernels& kernels) {
  return static_cast<size_t>(shape.heads * HeadKeys(shape, kernels));
}

size_t ValuePanelFloats(const AttentionShape& shape, const Kernels& kernels) {
  return static_cast<size_t>(shape.heads * HeadValues(shape, kernels));
}

size_t AttentionScratchFloats(const AttentionShape& shape, const Kernels& kernels) {
  const int64_t rows = kernels.tile_rows[static_cast<int>(shape.type)];
  return static_cast<size_t>(rows) * (MatrixStride(shape.tokens) + MatrixStride(shape.head_dim)) +
         OperandScratchFloats(shape.type, rows, shape.tokens);
}

void PackKeysAndValues(const Kernels& kernels, const AttentionShape& shape, const Operand& qkv,
                       int64_t begin, int64_t end, const AttentionPanels& panels) {
  const PanelLayout layout = LayoutOf(kernels, shape.type);
  const int64_t width = layout.columns;
  for (int64_t token = begin, next = begin; token < end; token = next) {
    next = std::min(end, token / width * width + width);  // as far as this panel of keys goes
    for (int64_t head = 0; head < shape.heads; ++head) {
      PackKeys(kernels, layout, HeadOf(shape, qkv, kKeys, head, token, next), token,
               panels.keys + head * HeadKeys(shape, kernels));
      const Operand part = HeadOf(shape, qkv, kValues, head, token, next);
      float* const values = panels.values + head * HeadValues(shape, kernels);
      if (shape.type == OperandType::kFloat32) {
        PackFloatValues(part, token, shape.tokens, width, values);
      } else {
        PackBFloat16Values(layout, part, token, shape.tokens, values);
      }
    }
  }
}

void Attention(const Kernels& kernels, const AttentionShape& shape, const Operand& qkv,
               const AttentionPanels& panels, int64_t begin, int64_t end, const OperandBuffer& out,
               const AttentionMaps& maps, float* scratch) {
  const int64_t tokens = shape.tokens;
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
  // A strip of a few queries against all keys: its scores stay in the cache, and the softmax sees
  // whole rows.
  const int tile_rows = kernels.tile_rows[static_cast<int>(shape.type)];
  const Matrix all_scores = {scratch, tile_rows, tokens, MatrixStride(tokens)};
  const Matrix all_context = {all_scores.row(tile_rows), tile_rows, shape.head_dim,
                              MatrixStride(shape.head_dim)};
  float* const operand_scratch = all_context.row(tile_rows);
  const int64_t strips = TileCount(end - begin, tile_rows);
  for (int64_t head = 0; head < shape.heads; ++head) {
    const int64_t column = head * shape.head_dim;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const RowRange range = TileRows(end - begin, tile_rows, strip);
      const int64_t first = begin + range.begin;
      const int64_t rows = range.end - range.begin;
      const Matrix scores = all_scores.Rows(0, rows);
      const Matrix context = all_context.Rows(0, rows);
      MultiplyPanels(kernels, shape.type, HeadOf(shape, qkv, kQueries, head, first, first + rows),
                     tokens, panels.keys + head * HeadKeys(shape, kernels), scores);
      float inverse_sums[kMostRows];
      const Operand exponentials =
          Exponentials(kernels, shape.type, scores, scale, inverse_sums, operand_scratch);
      for (int64_t row = 0; row < rows; ++row) inverse_sums[row] = 1.0F / inverse_sums[row];
      MultiplyPanels(kernels, shape.type, exponentials, shape.head_dim,
                     panels.values + head * HeadValues(shape, kernels), context);
      for (int64_t row = 0; row < rows; ++row) {
        PutScaled(kernels, context.row(row), shape.head_dim, inverse_sums[row], out, first + row,
                  column);
        if (maps.data != nullptr) {
          kernels.scale(static_cast<size_t>(tokens), inverse_sums[row], scores.row(row),
                        maps.data + head * maps.head_stride + (first + row) * maps.row_stride);
        }
      }
    }
  }
}

}  // namespace siglip
