// Sources: Pillow src/libImaging/Resample.c (precompute_coeffs, normalize_coeffs_8bpc) and
// Geometry.c (ImagingScaleAffine); PyTorch ATen/native/cpu/UpSampleKernel.cpp.
#include "image/resize_weights.h"

#include <algorithm>
#include <cmath>

namespace siglip {
namespace {

constexpr double kPi = 3.14159265358979323846;

double Sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= kPi;
  return std::sin(x) / x;
}

// Pillow writes the window's constants in single precision.
double Hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= kPi;
  return std::sin(x) / x * (0.54f + 0.46f * std::cos(x));
}

// The outer branch is the same polynomial in both originals, but not the same roundings.
double Bicubic(double x, bool torchvision) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x >= 2.0) return 0.0;
  if (torchvision) return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
  return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
}

}  // namespace

double ResampleSupport(Resample resample) {
  switch (resample) {
    case Resample::kNearest: return 0.0;
    case Resample::kLanczos: return 3.0;
    case Resample::kBilinear: return 1.0;
    case Resample::kBicubic: return 2.0;
    case Resample::kBox: return 0.5;
    case Resample::kHamming: return 1.0;
  }
  return 0.0;
}

double ResampleFilter(Resample resample, double x, bool torchvision) {
  switch (resample) {
    case Resample::kNearest: return 0.0;
    case Resample::kLanczos: return x >= -3.0 && x < 3.0 ? Sinc(x) * Sinc(x / 3.0) : 0.0;
    case Resample::kBilinear: return std::max(1.0 - std::abs(x), 0.0);
    case Resample::kBicubic: return Bicubic(x, torchvision);
    case Resample::kBox: return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
    case Resample::kHamming: return Hamming(x);
  }
  return 0.0;
}

ResizeWeights::ResizeWeights(const ResizedAxis& axis, Resample resample, PreprocessMode mode)
    : axis_(axis),
      resample_(resample),
      torchvision_(mode == PreprocessMode::kTorchvision),
      scale_(axis.covered / static_cast<double>(axis.out)),
      filter_scale_(std::max(scale_, 1.0)),
      support_(ResampleSupport(resample) * filter_scale_),
      max_taps_(static_cast<int64_t>(std::ceil(support_)) * 2 + 1),
      start_(static_cast<size_t>(axis.wanted)),
      count_(static_cast<size_t>(axis.wanted)) {
  // A window lies inside the input, so that no more than `in` taps of it are ever used.
  stride_ = (std::min(max_taps_, axis_.in) + 7) / 8 * 8;
  std::vector<double> real(static_cast<size_t>(axis_.wanted * stride_));
  std::vector<double> row(static_cast<size_t>(stride_));
  for (int64_t i = 0; i < axis_.wanted; ++i) {
    const Window window = Evaluate(axis_.first + i, row);
    start_[i] = static_cast<int32_t>(window.start);
    count_[i] = static_cast<int32_t>(window.count);
    std::copy(row.begin(), row.end(), real.begin() + i * stride_);
  }
  if (torchvision_) {
    ChooseShift(std::max(*std::max_element(real.begin(), real.end()), LargestOutside(row)));
  }
  Quantise(real);
}

double ResizeWeights::LargestOutside(std::vector<double>& row) const {
  double largest = 0.0;
  for (int64_t i = 0; i < axis_.out; ++i) {
    if (i == axis_.first) i += axis_.wanted;
    if (i >= axis_.out) break;
    Evaluate(i, row);
    largest = std::max(largest, *std::max_element(row.begin(), row.end()));
  }
  return largest;
}

ResizeWeights::Window ResizeWeights::Evaluate(int64_t i, std::vector<double>& row) const {
  const double center = (static_cast<double>(i) + 0.5) * scale_;
  const double inverse = 1.0 / filter_scale_;
  const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - support_ + 0.5), 0);
  const int64_t last = std::min(static_cast<int64_t>(center + support_ + 0.5), axis_.in);
  const int64_t count = std::min(last - first, std::min(max_taps_, axis_.in));
  double sum = 0.0;
  for (int64_t j = 0; j < count; ++j) {
    const double x = (static_cast<double>(j + first) - center + 0.5) * inverse;
    row[j] = ResampleFilter(resample_, x, torchvision_);
    sum += row[j];
  }
  for (int64_t j = 0; j < count; ++j) {
    if (sum != 0.0) row[j] /= sum;
  }
  std::fill(row.begin() + count, row.end(), 0.0);
  return {first, count};
}

void ResizeWeights::ChooseShift(double largest) {
  // The most precise weights that fit int16.
  for (shift_ = 0; shift_ < kPillowShift; ++shift_) {
    const int next = static_cast<int>(0.5 + largest * static_cast<double>(1 << (shift_ + 1)));
    if (next >= 1 << 15) break;
  }
}

void ResizeWeights::Quantise(const std::vector<double>& real) {
  const double one = static_cast<double>(1 << shift_);
  weights_.resize(real.size());
  low_.resize(real.size());
  if (!torchvision_) high_.resize(real.size());
  for (size_t k = 0; k < real.size(); ++k) {
    const double rounding = real[k] < 0.0 ? -0.5 : 0.5;
    const int32_t weight = static_cast<int32_t>(rounding + real[k] * one);
    weights_[k] = weight;
    if (torchvision_) {
      low_[k] = static_cast<int16_t>(weight);
    } else {
      high_[k] = static_cast<int16_t>(weight >> kResizeLowBits);
      low_[k] = static_cast<int16_t>(weight & ((1 << kResizeLowBits) - 1));
    }
  }
}

void ResizeWeights::Mirror() {
  // All windows reversed as one array are in reversed order, each with its padding in front.
  const auto mirror = [&](auto& weights) {
    std::ranges::reverse(weights);
    for (int64_t i = 0; !weights.empty() && i < axis_.wanted; ++i) {
      const auto window = weights.begin() + i * stride_;
      std::rotate(window, window + (stride_ - count_[i]), window + stride_);
    }
  };
  std::ranges::reverse(start_);
  std::ranges::reverse(count_);
  for (int64_t i = 0; i < axis_.wanted; ++i) {
    start_[i] = static_cast<int32_t>(axis_.in) - start_[i] - count_[i];
  }
  mirror(weights_);
  mirror(high_);
  mirror(low_);
}

ResizeTaps ResizeWeights::taps() const {
  return {.start = start_.data(),
          .count = count_.data(),
          .weights = weights_.data(),
          .high = high_.empty() ? nullptr : high_.data(),
          .low = low_.data(),
          .stride = static_cast<int32_t>(stride_),
          .shift = shift_};
}

std::vector<int32_t> NearestIndices(int64_t in, int64_t out, PreprocessMode mode) {
  std::vector<int32_t> indices(static_cast<size_t>(out));
  if (mode == PreprocessMode::kTorchvision) {
    // Transformers maps NEAREST to "nearest-exact": floor((i + 0.5) * scale) in float, with the
    // one rounding that PyTorch's fused multiply-add makes.
    const float scale = static_cast<float>(in) / static_cast<float>(out);
    for (int64_t i = 0; i < out; ++i) {
      const float center = std::fma(scale, static_cast<float>(i) + 0.5F, -0.5F);
      const auto source = static_cast<int64_t>(std::floor(center + 0.5F));
      indices[i] = static_cast<int32_t>(std::min(source, in - 1));
    }
    return indices;
  }
  // Pillow steps by adding up, so that the rounding errors add up too.
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  double source = scale * 0.5;
  for (int64_t i = 0; i < out; ++i, source += scale) {
    indices[i] = static_cast<int32_t>(std::min<int64_t>(static_cast<int64_t>(source), in - 1));
  }
  return indices;
}

}  // namespace siglip
