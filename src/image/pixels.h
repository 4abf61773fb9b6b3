// Rows of pixels as codecs deliver them, to rows of 8-bit RGB, with Pillow's arithmetic.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "siglip/image.hpp"

namespace siglip {

using Rgba = std::array<uint8_t, 4>;
/// Entries that a file does not define are black and opaque.
struct Palette {
  Palette() { colours.fill({0, 0, 0, 255}); }
  std::array<Rgba, 256> colours;
};

/// One channel composited on white: Pillow's alpha_composite with an opaque white background.
inline uint8_t OnWhite(uint32_t value, uint32_t alpha) {
  if (alpha == 0) return 255;
  const uint32_t sum = 128 * (value * alpha + 255 * (255 - alpha)) + (128u << 7);
  return static_cast<uint8_t>((((sum >> 8) + sum) >> 8) >> 7);
}

/// Writes one pixel: its colour, or that colour on white.
inline void StoreRgba(const Rgba& pixel, AlphaPolicy alpha, uint8_t* rgb) {
  for (int channel = 0; channel < 3; ++channel) {
    rgb[channel] =
        alpha == AlphaPolicy::kWhite ? OnWhite(pixel[channel], pixel[3]) : pixel[channel];
  }
}

/// CMYK where 0 means no ink, as Pillow converts it.
inline void StoreCmyk(const uint8_t* cmyk, uint8_t* rgb) {
  const int light = 255 - cmyk[3];
  for (int channel = 0; channel < 3; ++channel) {
    const int product = cmyk[channel] * light + 128;
    const int value = light - (((product >> 8) + product) >> 8);
    rgb[channel] = static_cast<uint8_t>(value < 0 ? 0 : value);
  }
}

/// YCbCr of JFIF with full range, rounded as Pillow does: tables in steps of 1/64 whose entries are
/// rounded by adding a half and cutting.
inline void StoreYcbcr(const uint8_t* ycbcr, uint8_t* rgb) {
  const int blue = ycbcr[1] - 128;
  const int red = ycbcr[2] - 128;
  const auto scaled = [](int coefficient, int chroma) {
    return (coefficient * 64 * chroma + 50000) / 100000;
  };
  const int sums[] = {ycbcr[0] + (scaled(140200, red) >> 6),
                      ycbcr[0] + ((scaled(-34414, blue) + scaled(-71414, red)) >> 6),
                      ycbcr[0] + (scaled(177200, blue) >> 6)};
  for (int channel = 0; channel < 3; ++channel) {
    rgb[channel] = static_cast<uint8_t>(std::clamp(sums[channel], 0, 255));
  }
}

inline void StoreGrey(uint8_t grey, uint8_t* rgb) { rgb[0] = rgb[1] = rgb[2] = grey; }

/// Where the first `count` entries are the first levels of grey, the others become levels, too:
/// Pillow takes such a palette for none at all.
void ContinueGreys(Palette& palette, size_t count);

/// Values of 1, 2, 4 or 8 bits, most significant first, to one byte each (not scaled).
void UnpackBits(const uint8_t* packed, int64_t count, int bits, uint8_t* out);

void GreyRowToRgb(const uint8_t* grey, int64_t width, uint8_t* rgb);
void RgbaRowToRgb(const uint8_t* rgba, int64_t width, AlphaPolicy alpha, uint8_t* rgb);
void PaletteRowToRgb(const uint8_t* indices, int64_t width, const Palette& palette,
                     AlphaPolicy alpha, uint8_t* rgb);

}  // namespace siglip
