// A picture that tests and the scripts that made their expected values both know how to make.
#pragma once

#include <cstdint>

#include "siglip/image.hpp"

namespace siglip {

/// The pixels that make_resize_cases.py and make_preprocess_cases.py fed to the originals: noise
/// with full contrast in parts.
inline Image NoisePicture(int64_t height, int64_t width) {
  Image image{.width = width, .height = height, .rgb = {}};
  auto state = static_cast<uint32_t>(height * 65537 + width);
  for (int64_t i = 0; i < height * width * 3; ++i) {
    state = state * 1664525 + 1013904223;
    const uint32_t byte = state >> 24;
    image.rgb.push_back(static_cast<uint8_t>((state & 0x800000) != 0 ? byte : 255 * (byte >> 7)));
  }
  return image;
}

}  // namespace siglip
