// Filter windows and their quantised weights, to the bit as Pillow and torchvision compute them.
#pragma once

#include <cstdint>
#include <vector>

#include "image/resize_kernels.h"
#include "siglip/image.h"

namespace siglip {

/// Half the width of a filter that is not scaled.
double ResampleSupport(Resample resample);
/// Its height at `x`, with the roundings of Pillow or of torchvision.
double ResampleFilter(Resample resample, double x, bool torchvision);

/// The filter of one axis; owns what taps() points at.
class ResizeWeights {
 public:
  /// For `in` pixels resized to `out`, both in [1, 65536], with any filter but nearest. The picture
  /// covers `covered` of the pixels: all, or all but a part of the last.
  ResizeWeights(int64_t in, int64_t out, Resample resample, PreprocessMode mode, double covered);

  /// Those with which a mirrored input gives the mirrored output, to the bit.
  void Mirror();

  ResizeTaps taps() const;

 private:
  /// Real weights of output `i` in `row`; sets start_[i] and count_[i].
  void Window(int64_t i, std::vector<double>& row);
  /// Sets shift_ from the largest weight.
  void ChooseShift(const std::vector<double>& real);
  void Quantise(const std::vector<double>& real);

  int64_t in_;
  int64_t out_;
  Resample resample_;
  bool torchvision_;
  double scale_;         // input pixels per output pixel
  double filter_scale_;  // scale_, but at least 1
  double support_;       // half the width of the window, in input pixels
  int64_t max_taps_;     // what the original allocates per output
  int64_t stride_;
  int shift_ = 0;
  std::vector<int32_t> start_;
  std::vector<int32_t> count_;
  std::vector<int32_t> weights_;
  std::vector<int16_t> high_;
  std::vector<int16_t> low_;
};

/// For the nearest pixel: which input each of `out` outputs takes.
std::vector<int32_t> NearestIndices(int64_t in, int64_t out, PreprocessMode mode);

}  // namespace siglip
