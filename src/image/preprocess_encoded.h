// Preprocessing of a picture that is yet to be decoded.
#pragma once

#include <span>

#include "image/encoded_image.h"
#include "siglip/siglip2_image_processor.h"
#include "siglip/siglip_image_processor.h"

namespace siglip {

/// The bits of Decode and SiglipImageProcessor::Preprocess, unless DecodeOptions::fast. Takes the
/// place of Decode: once.
void PreprocessEncoded(const SiglipImageProcessor& processor, EncodedImage& image,
                       std::span<float> out);
/// The same of Siglip2ImageProcessor::Preprocess.
void PreprocessEncoded(const Siglip2ImageProcessor& processor, EncodedImage& image,
                       std::span<float> out);

}  // namespace siglip
