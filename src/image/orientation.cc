// Turning a decoded picture upright: mirrors in place, transpositions block by block.
#include "image/orientation.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace siglip {
namespace {

constexpr int64_t kChannels = 3;

void MirrorHorizontally(Image& image) {
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* left = image.rgb.data() + y * image.width * kChannels;
    uint8_t* right = left + (image.width - 1) * kChannels;
    for (; left < right; left += kChannels, right -= kChannels) {
      std::swap_ranges(left, left + kChannels, right);
    }
  }
}

void MirrorVertically(Image& image) {
  const int64_t stride = image.width * kChannels;
  for (int64_t y = 0; y < image.height / 2; ++y) {
    uint8_t* upper = image.rgb.data() + y * stride;
    uint8_t* lower = image.rgb.data() + (image.height - 1 - y) * stride;
    std::swap_ranges(upper, upper + stride, lower);
  }
}

// Rows become columns. Blocks keep both sides of the copy within the cache.
Image Transpose(const Image& image) {
  constexpr int64_t kBlock = 32;
  Image result;
  result.width = image.height;
  result.height = image.width;
  result.rgb.resize(image.rgb.size());
  for (int64_t top = 0; top < image.height; top += kBlock) {
    const int64_t bottom = std::min(top + kBlock, image.height);
    for (int64_t left = 0; left < image.width; left += kBlock) {
      const int64_t right = std::min(left + kBlock, image.width);
      for (int64_t x = left; x < right; ++x) {
        uint8_t* out = result.rgb.data() + (x * result.width + top) * kChannels;
        const uint8_t* in = image.rgb.data() + (top * image.width + x) * kChannels;
        for (int64_t y = top; y < bottom; ++y) {
          std::memcpy(out, in, kChannels);
          out += kChannels;
          in += image.width * kChannels;
        }
      }
    }
  }
  return result;
}

}  // namespace

Image ApplyOrientation(Image image, int orientation) {
  if (SwapsSides(orientation)) image = Transpose(image);
  if (MirrorsHorizontally(orientation)) MirrorHorizontally(image);
  if (MirrorsVertically(orientation)) MirrorVertically(image);
  return image;
}

}  // namespace siglip
