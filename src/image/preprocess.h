// From the plan of a picture to its values, for one in memory and one that is yet to be decoded.
#pragma once

#include <span>

#include "image/encoded_image.h"
#include "image/grey_means.h"
#include "image/image_view.h"
#include "image/opened_picture.h"
#include "image/picture_plan.h"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {

const ResizeKernels& ResizeKernelsOf(const SiglipImageProcessor& processor);
const ResizeKernels& ResizeKernelsOf(const Siglip2ImageProcessor& processor);

/// What PicturePlan::resize leaves of a picture, rescaled and normalised: planes [3, height, width]
/// of the plan's output ...
void WritePixelValues(const SiglipImageProcessor& processor, const PicturePlan& plan,
                      const ImageView& resized, std::span<float> out);
/// ... or its patches [rows * columns, patch_values].
void WritePixelValues(const Siglip2ImageProcessor& processor, const PicturePlan& plan,
                      const ImageView& resized, std::span<float> out);

/// That and, where they are asked for, its mean grey values.
template <class Processor>
void WriteResized(const Processor& processor, const PicturePlan& plan, const ImageView& resized,
                  std::span<float> out, PictureGreys* greys) {
  WritePixelValues(processor, plan, resized, out);
  if (greys != nullptr) *greys = GreyMeans(resized);
}

/// Preprocessing by a plan that was made for a picture of this size. `out` has room for exactly the
/// values of the plan's output. `greys` may be null.
template <class Processor>
void Preprocess(const Processor& processor, const PicturePlan& plan, const ImageView& image,
                std::span<float> out, PictureGreys* greys = nullptr) {
  const ResizeRequest& resize = plan.resize;
  if (resize.height == image.height && resize.width == image.width && !resize.crop) {
    WriteResized(processor, plan, image, out, greys);
  } else {
    const Image resized = ResizeWith(ResizeKernelsOf(processor), image, resize);
    WriteResized(processor, plan, resized, out, greys);
  }
}
/// The bits of Decode and the above, unless DecodeOptions::fast. Takes the place of Decode: once.
template <class Processor>
void Preprocess(const Processor& processor, const PicturePlan& plan, EncodedImage& image,
                std::span<float> out, PictureGreys* greys = nullptr) {
  const Image resized = image.Resized(ResizeKernelsOf(processor), plan.resize);
  WriteResized(processor, plan, resized, out, greys);
}

/// The one or the other.
template <class Processor>
void Preprocess(const Processor& processor, const PicturePlan& plan, OpenedPicture& picture,
                std::span<float> out, PictureGreys* greys = nullptr) {
  if (EncodedImage* const encoded = picture.encoded()) {
    Preprocess(processor, plan, *encoded, out, greys);
  } else {
    Preprocess(processor, plan, picture.pixels(), out, greys);
  }
}

}  // namespace siglip
