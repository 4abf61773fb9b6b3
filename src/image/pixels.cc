// Rows of pixels to rows of 8-bit RGB.
#include "image/pixels.h"

namespace siglip {

void ContinueGreys(Palette& palette, size_t count) {
  const auto level = [](size_t i) {
    const auto grey = static_cast<uint8_t>(i);
    return Rgba{grey, grey, grey, 255};
  };
  for (size_t i = 0; i < count; ++i) {
    if (palette.colours[i] != level(i)) return;
  }
  for (size_t i = count; i < palette.colours.size(); ++i) palette.colours[i] = level(i);
}

void UnpackBits(const uint8_t* packed, int64_t count, int bits, uint8_t* out) {
  const int per_byte = 8 / bits;
  const int mask = (1 << bits) - 1;
  for (int64_t i = 0; i < count; ++i) {
    const int shift = 8 - bits * static_cast<int>(i % per_byte + 1);
    out[i] = static_cast<uint8_t>(packed[i / per_byte] >> shift & mask);
  }
}

void GreyRowToRgb(const uint8_t* grey, int64_t width, uint8_t* rgb) {
  for (int64_t x = 0; x < width; ++x) StoreGrey(grey[x], rgb + 3 * x);
}

void RgbaRowToRgb(const uint8_t* rgba, int64_t width, AlphaPolicy alpha, uint8_t* rgb) {
  for (int64_t x = 0; x < width; ++x, rgba += 4, rgb += 3) {
    StoreRgba({rgba[0], rgba[1], rgba[2], rgba[3]}, alpha, rgb);
  }
}

void PaletteRowToRgb(const uint8_t* indices, int64_t width, const Palette& palette,
                     AlphaPolicy alpha, uint8_t* rgb) {
  for (int64_t x = 0; x < width; ++x) {
    StoreRgba(palette.colours[indices[x]], alpha, rgb + 3 * x);
  }
}

}  // namespace siglip
