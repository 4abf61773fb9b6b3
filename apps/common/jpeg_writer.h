// Pictures made into JPEG files in memory.
#pragma once

#include <string>

#include "siglip/image.hpp"

namespace siglip::apps {

/// The bytes of a file; quality is 1..100. Sides are 1..65,500 pixels. Throws Error(kLimitExceeded)
/// for others, and std::bad_alloc.
std::string EncodeJpeg(const Image& image, int quality);

}  // namespace siglip::apps
