#include "kernels/reference.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "tensor/float16.h"

namespace siglip::reference {

std::vector<float> Linear(std::span<const float> a, std::span<const float> weight,
                          std::span<const float> bias, int64_t rows, int64_t columns,
                          int64_t depth) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(rows * columns));
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      double sum = bias.empty() ? 0.0 : bias[static_cast<size_t>(column)];
      for (int64_t k = 0; k < depth; ++k) {
        sum += static_cast<double>(a[static_cast<size_t>(row * depth + k)]) *
               weight[static_cast<size_t>(column * depth + k)];
      }
      out.push_back(static_cast<float>(sum));
    }
  }
  return out;
}

double Apply(Activation activation, double x) {
  switch (activation) {
    case Activation::kGeluTanh: {
      // 0.5 x (1 + tanh(u)), without the cancellation of 1 + tanh(u) for large negative u.
      const double u = std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return x / (1.0 + std::exp(-2.0 * u));
    }
    case Activation::kGeluErf: return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kQuickGelu: return x / (1.0 + std::exp(-1.702 * x));
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kSilu: return x / (1.0 + std::exp(-x));
  }
  return x;
}

std::vector<float> LayerNorm(std::span<const float> in, std::span<const float> gain,
                             std::span<const float> bias, int64_t columns, double epsilon) {
  std::vector<float> out;
  out.reserve(in.size());
  for (size_t begin = 0; begin < in.size(); begin += static_cast<size_t>(columns)) {
    const auto row = in.subspan(begin, static_cast<size_t>(columns));
    double mean = 0;
    for (float x : row) mean += x;
    mean /= static_cast<double>(columns);
    double variance = 0;
    for (float x : row) variance += (x - mean) * (x - mean);
    variance /= static_cast<double>(columns);
    for (size_t i = 0; i < row.size(); ++i) {
      out.push_back(
          static_cast<float>((row[i] - mean) / std::sqrt(variance + epsilon) * gain[i] + bias[i]));
    }
  }
  return out;
}

std::vector<float> Softmax(std::span<const float> in, int64_t columns, double scale) {
  std::vector<float> out;
  out.reserve(in.size());
  for (size_t begin = 0; begin < in.size(); begin += static_cast<size_t>(columns)) {
    const auto row = in.subspan(begin, static_cast<size_t>(columns));
    const double maximum = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (float x : row) sum += std::exp((x - maximum) * scale);
    for (float x : row) out.push_back(static_cast<float>(std::exp((x - maximum) * scale) / sum));
  }
  return out;
}

std::vector<float> Attention(std::span<const float> q, std::span<const float> k,
                             std::span<const float> v, int64_t tokens, int64_t heads,
                             int64_t head_dim) {
  const int64_t hidden = heads * head_dim;
  const auto at = [&](std::span<const float> x, int64_t token, int64_t head, int64_t d) {
    return static_cast<double>(x[static_cast<size_t>(token * hidden + head * head_dim + d)]);
  };
  std::vector<float> out(q.size());
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t query = 0; query < tokens; ++query) {
      std::vector<float> scores;
      for (int64_t key = 0; key < tokens; ++key) {
        double score = 0;
        for (int64_t d = 0; d < head_dim; ++d) score += at(q, query, head, d) * at(k, key, head, d);
        scores.push_back(static_cast<float>(score));
      }
      const std::vector<float> weights =
          Softmax(scores, tokens, 1.0 / std::sqrt(static_cast<double>(head_dim)));
      for (int64_t d = 0; d < head_dim; ++d) {
        double sum = 0;
        for (int64_t key = 0; key < tokens; ++key) {
          sum += weights[static_cast<size_t>(key)] * at(v, key, head, d);
        }
        out[static_cast<size_t>(query * hidden + head * head_dim + d)] = static_cast<float>(sum);
      }
    }
  }
  return out;
}

std::vector<float> Conv2d(std::span<const float> in, std::span<const float> weight,
                          std::span<const float> bias, const Conv2dShape& shape) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(shape.out_channels * shape.out_height() * shape.out_width()));
  for (int64_t j = 0; j < shape.out_channels; ++j) {
    for (int64_t out_y = 0; out_y < shape.out_height(); ++out_y) {
      for (int64_t out_x = 0; out_x < shape.out_width(); ++out_x) {
        double sum = bias.empty() ? 0.0 : bias[static_cast<size_t>(j)];
        for (int64_t c = 0; c < shape.in_channels; ++c) {
          for (int64_t ky = 0; ky < shape.kernel_height; ++ky) {
            for (int64_t kx = 0; kx < shape.kernel_width; ++kx) {
              const int64_t y = out_y * shape.stride + ky - shape.padding;
              const int64_t x = out_x * shape.stride + kx - shape.padding;
              if (y < 0 || y >= shape.height || x < 0 || x >= shape.width) continue;
              const int64_t tap =
                  ((j * shape.in_channels + c) * shape.kernel_height + ky) * shape.kernel_width +
                  kx;
              sum += static_cast<double>(
                         in[static_cast<size_t>((c * shape.height + y) * shape.width + x)]) *
                     weight[static_cast<size_t>(tap)];
            }
          }
        }
        out.push_back(static_cast<float>(sum));
      }
    }
  }
  return out;
}

std::vector<int64_t> DotBytes(std::span<const int8_t> query, std::span<const int8_t> rows,
                              size_t stride, size_t count) {
  std::vector<int64_t> sums(count);
  for (size_t row = 0; row < count; ++row) {
    for (size_t i = 0; i < query.size(); ++i) {
      sums[row] += int64_t{query[i]} * rows[row * stride + i];
    }
  }
  return sums;
}

namespace {

/// a * b + c rounded once. `product` and `c` are exact; the sum in double is rounded to odd (its
/// last bit is set where anything was lost), which keeps the second rounding, to float, right.
float FusedMultiplyAdd(float a, float b, float c) {
  const double product = static_cast<double>(a) * b;
  double sum = product + c;
  const double part = sum - product;
  const double lost = (product - (sum - part)) + (c - part);
  if (lost != 0.0 && (std::bit_cast<uint64_t>(sum) & 1U) == 0) {
    sum = std::nextafter(sum, lost > 0.0 ? HUGE_VAL : -HUGE_VAL);
  }
  return static_cast<float>(sum);
}

}  // namespace

float DotHalves(std::span<const float> query, std::span<const uint16_t> row) {
  std::array<float, 16> sums = {};
  for (size_t i = 0; i < query.size(); ++i) {
    sums[i % 16] = FusedMultiplyAdd(query[i], Float16ToFloat(row[i]), sums[i % 16]);
  }
  for (size_t i = 0; i < 8; ++i) sums[i] += sums[i + 8];
  for (size_t i = 0; i < 4; ++i) sums[i] += sums[i + 4];
  for (size_t i = 0; i < 2; ++i) sums[i] += sums[i + 2];
  return sums[0] + sums[1];
}

}  // namespace siglip::reference
