// Where the pixels of a picture come to lie in what the model is fed.
#pragma once

#include <cstdint>

#include "image/resize.h"
#include "siglip/image.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {

struct PicturePlan {
  /// The part of the resized picture that is kept, if not all of it ...
  ResizeRequest resize;
  /// ... lies here in a canvas of ImageProcessorConfig::fill_color ...
  int64_t top = 0;
  int64_t left = 0;
  ImageSize canvas;
  /// ... which is the upper left part of the result. The rest is values of 0.
  ImageSize output;
};

/// Throws Error: kInvalidArgument for sides out of range, kLimitExceeded for a result that would be
/// too large, kMismatch for one larger than what it is to be padded to.
PicturePlan PlanPicture(const SiglipImageProcessor& processor, const ImageSize& picture);
/// The result is whole patches. Throws as Siglip2ImageProcessor::SpatialShape does.
PicturePlan PlanPicture(const Siglip2ImageProcessor& processor, const ImageSize& picture);

}  // namespace siglip
