// Source of the formulas: resize_weights.cc.
#include "image/resize_reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "image/resize.h"
#include "image/resize_weights.h"

namespace siglip {
namespace {

struct Window {
  int64_t first;
  std::vector<double> weights;
  std::vector<int64_t> quantised;
};

Window WindowOf(int64_t in, int64_t out, int64_t i, Resample resample, bool torchvision) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = ResampleSupport(resample) * filter_scale;
  const double center = (static_cast<double>(i) + 0.5) * scale;
  Window window;
  window.first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
  const int64_t end = std::min(in, static_cast<int64_t>(center + support + 0.5));
  const auto most = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  double sum = 0.0;
  for (int64_t p = window.first; p < std::min(end, window.first + most); ++p) {
    const double x = (static_cast<double>(p) - center + 0.5) * (1.0 / filter_scale);
    window.weights.push_back(ResampleFilter(resample, x, torchvision));
    sum += window.weights.back();
  }
  for (double& weight : window.weights) weight /= sum;
  return window;
}

int ShiftFor(const std::vector<Window>& windows, bool torchvision) {
  if (!torchvision) return 22;
  double largest = 0.0;
  for (const Window& window : windows) {
    for (const double weight : window.weights) largest = std::max(largest, weight);
  }
  int shift = 0;
  while (shift < 22 && static_cast<int>(0.5 + largest * std::exp2(shift + 1)) < 32768) ++shift;
  return shift;
}

/// Resizes one axis.
Image Pass(const Image& image, int64_t out, bool vertical, Resample resample, bool torchvision) {
  const int64_t in = vertical ? image.height : image.width;
  if (in == out) return image;
  std::vector<Window> windows;
  for (int64_t i = 0; i < out; ++i) {
    windows.push_back(WindowOf(in, out, i, resample, torchvision));
  }
  const int shift = ShiftFor(windows, torchvision);
  for (Window& window : windows) {
    for (const double weight : window.weights) {
      const double scaled = weight * std::exp2(shift);
      window.quantised.push_back(static_cast<int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  Image result;
  result.width = vertical ? image.width : out;
  result.height = vertical ? out : image.height;
  for (int64_t y = 0; y < result.height; ++y) {
    for (int64_t x = 0; x < result.width; ++x) {
      const Window& window = windows[vertical ? y : x];
      for (int64_t channel = 0; channel < 3; ++channel) {
        int64_t sum = int64_t{1} << (shift - 1);
        for (size_t j = 0; j < window.quantised.size(); ++j) {
          const int64_t p = window.first + static_cast<int64_t>(j);
          const int64_t pixel = vertical ? p * image.width + x : y * image.width + p;
          sum += window.quantised[j] * image.rgb[pixel * 3 + channel];
        }
        result.rgb.push_back(static_cast<uint8_t>(std::clamp<int64_t>(sum >> shift, 0, 255)));
      }
    }
  }
  return result;
}

Image Nearest(const Image& image, int64_t height, int64_t width, PreprocessMode mode) {
  const std::vector<int32_t> rows = NearestIndices(image.height, height, mode);
  const std::vector<int32_t> columns = NearestIndices(image.width, width, mode);
  Image result{.width = width, .height = height, .rgb = {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const int64_t pixel = rows[y] * image.width + columns[x];
      for (int64_t channel = 0; channel < 3; ++channel) {
        result.rgb.push_back(image.rgb[pixel * 3 + channel]);
      }
    }
  }
  return result;
}

}  // namespace

Image ResizeReference(const Image& image, int64_t height, int64_t width, Resample resample,
                      PreprocessMode mode) {
  CheckImage(image);
  CheckOutputSize(height, width);
  CheckResampleSupported(resample, mode);
  if (height == image.height && width == image.width) return image;
  if (resample == Resample::kNearest) return Nearest(image, height, width, mode);
  const bool torchvision = mode == PreprocessMode::kTorchvision;
  if (VerticalPassFirst(image.height, image.width, height, width, mode)) {
    const Image between = Pass(image, height, true, resample, torchvision);
    return Pass(between, width, false, resample, torchvision);
  }
  const Image between = Pass(image, width, false, resample, torchvision);
  return Pass(between, height, true, resample, torchvision);
}

}  // namespace siglip
