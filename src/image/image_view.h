// 8-bit RGB in memory that belongs to someone else.
#pragma once

#include <cstdint>

#include "siglip/image.hpp"

namespace siglip {

struct ImageView {
  int64_t width = 0;
  int64_t height = 0;
  const uint8_t* rgb = nullptr;
  int64_t row_stride = 0;  ///< Bytes, at least 3 * width.

  ImageView() = default;
  ImageView(int64_t columns, int64_t rows, const uint8_t* pixels, int64_t stride)
      : width(columns), height(rows), rgb(pixels), row_stride(stride) {}
  // NOLINTNEXTLINE(google-explicit-constructor): an image can be looked at
  ImageView(const Image& image)
      : ImageView(image.width, image.height, image.rgb.data(), 3 * image.width) {}

  const uint8_t* row(int64_t y) const { return rgb + y * row_stride; }
  ImageSize size() const { return {.width = width, .height = height}; }
};

/// A copy.
Image ToImage(const ImageView& view);

}  // namespace siglip
