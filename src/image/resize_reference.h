// The naive twin of Resize: each output pixel straight from the formula, both passes over whole
// pictures. Tests and fuzzers hold every fast path to it, bit for bit.
#pragma once

#include <cstdint>

#include "siglip/image.hpp"

namespace siglip {

/// As Resize, slowly.
Image ResizeReference(const Image& image, int64_t height, int64_t width, Resample resample,
                      PreprocessMode mode);

}  // namespace siglip
