// Filter windows and their quantised weights, to the bit as Pillow and torchvision compute them.
#pragma once

#include <cstdint>
#include <vector>

#include "image/resize_kernels.h"
#include "siglip/image.hpp"

namespace siglip {

/// Half the width of a filter that is not scaled.
double ResampleSupport(Resample resample);
/// Its height at `x`, with the roundings of Pillow or of torchvision.
double ResampleFilter(Resample resample, double x, bool torchvision);

/// One axis of a resize. The picture covers `covered` of the `in` pixels: all, or all but a part of
/// the last. Of the `out` pixels that they become, `wanted` are, from `first` on.
struct ResizedAxis {
  int64_t in = 0;  ///< 1 to 65536.
  double covered = 0;
  int64_t out = 0;  ///< 1 to 2^24.
  int64_t first = 0;
  int64_t wanted = 0;  ///< 1 to 65536.
};

/// The filter of one axis; owns what taps() points at.
class ResizeWeights {
 public:
  /// With any filter but nearest.
  ResizeWeights(const ResizedAxis& axis, Resample resample, PreprocessMode mode);

  /// Those with which a mirrored input gives the mirrored output, to the bit.
  void Mirror();

  ResizeTaps taps() const;

 private:
  struct Window {
    int64_t start;
    int64_t count;
  };
  /// Real weights of output `i` of the whole axis, in `row`.
  Window Evaluate(int64_t i, std::vector<double>& row) const;
  /// Sets shift_ from the largest weight of the whole axis.
  void ChooseShift(double largest);
  /// Of the outputs that are not wanted.
  double LargestOutside(std::vector<double>& row) const;
  void Quantise(const std::vector<double>& real);

  static constexpr int kPillowShift = 22;  // 32 bits less 8 of the pixel and 2 for overshoot

  ResizedAxis axis_;
  Resample resample_;
  bool torchvision_;
  double scale_;         // input pixels per output pixel
  double filter_scale_;  // scale_, but at least 1
  double support_;       // half the width of the window, in input pixels
  int64_t max_taps_;     // what the original allocates per output
  int64_t stride_;
  int shift_ = kPillowShift;
  std::vector<int32_t> start_;
  std::vector<int32_t> count_;
  std::vector<int32_t> weights_;
  std::vector<int16_t> high_;
  std::vector<int16_t> low_;
};

/// For the nearest pixel: which input each of `out` outputs takes.
std::vector<int32_t> NearestIndices(int64_t in, int64_t out, PreprocessMode mode);

}  // namespace siglip
