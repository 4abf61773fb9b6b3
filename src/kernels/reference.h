// Naive twins of the fast kernels: the formulas as written in papers, in double, for tests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace siglip::reference {

/// a[rows, depth] * weight[columns, depth]^T + bias[columns] (bias may be empty).
std::vector<float> Linear(std::span<const float> a, std::span<const float> weight,
                          std::span<const float> bias, int64_t rows, int64_t columns,
                          int64_t depth);

double Apply(Activation activation, double x);

/// Over each row of `columns` values; population variance (torch.nn.LayerNorm).
std::vector<float> LayerNorm(std::span<const float> in, std::span<const float> gain,
                             std::span<const float> bias, int64_t columns, double epsilon);

/// softmax(x * scale) over each row of `columns` values.
std::vector<float> Softmax(std::span<const float> in, int64_t columns, double scale);

/// softmax(q k^T * head_dim^-0.5) v per head; q, k, v and result [tokens, heads * head_dim].
std::vector<float> Attention(std::span<const float> q, std::span<const float> k,
                             std::span<const float> v, int64_t tokens, int64_t heads,
                             int64_t head_dim);

struct Conv2dShape {
  int64_t in_channels;
  int64_t height;
  int64_t width;
  int64_t out_channels;
  int64_t kernel_height;
  int64_t kernel_width;
  int64_t stride = 1;
  int64_t padding = 0;  ///< Zeros on every side; 0 is the "valid" convolution.

  int64_t out_height() const { return (height + 2 * padding - kernel_height) / stride + 1; }
  int64_t out_width() const { return (width + 2 * padding - kernel_width) / stride + 1; }
};

/// torch.nn.Conv2d of one picture: out[j, y, x] = bias[j] + sum over c of the 2-D
/// cross-correlation of in[c] with weight[j, c]; in [C, H, W], weight [J, C, KH, KW],
/// out [J, out_height, out_width].
std::vector<float> Conv2d(std::span<const float> in, std::span<const float> weight,
                          std::span<const float> bias, const Conv2dShape& shape);

/// Of each of `count` rows of `size` bytes, `stride` bytes apart.
std::vector<int64_t> DotBytes(std::span<const int8_t> query, std::span<const int8_t> rows,
                              size_t stride, size_t count);

/// Kernels::dot_halves of one row of query.size() binary16 numbers, by its definition. Products of
/// a float and a binary16 number are exact in double; what is lost by rounding their sums to
/// double is put back, so that every sum is rounded once.
float DotHalves(std::span<const float> query, std::span<const uint16_t> row);

}  // namespace siglip::reference
