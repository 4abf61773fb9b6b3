// See tiff_pixels.h.
#include "image/tiff_pixels.h"

#include <algorithm>
#include <cstring>

namespace siglip {
namespace {

template <typename T>
uint8_t ClippedSample(const uint8_t* row, int64_t index) {
  T value;
  std::memcpy(&value, row + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  if (!(value > 0)) return 0;
  return value >= T{255} ? 255 : static_cast<uint8_t>(value);
}

}  // namespace

// 8 bits, or the high byte of 16 in the machine's order.
uint8_t TiffRowConverter::ColourSample(const uint8_t* pixel, int sample) const {
  if (pixels_.bits == 8) return pixel[sample];
  uint16_t value = 0;
  std::memcpy(&value, pixel + 2 * sample, sizeof(value));
  return static_cast<uint8_t>(value >> 8);
}

void TiffRowConverter::Convert(const uint8_t* row, int64_t columns, uint8_t* rgb) {
  if (pixels_.samples == 1) return ConvertSingleSampleRow(row, columns, rgb);
  if (pixels_.kind == TiffPixels::Kind::kCielab) return ConvertCielabRow(row, columns, rgb);
  for (int64_t x = 0; x < columns; ++x, row += pixels_.samples * (pixels_.bits / 8), rgb += 3) {
    if (pixels_.kind == TiffPixels::Kind::kCmyk) {
      const uint8_t cmyk[] = {ColourSample(row, 0), ColourSample(row, 1), ColourSample(row, 2),
                              ColourSample(row, 3)};
      StoreCmyk(cmyk, rgb);
      continue;
    }
    if (pixels_.kind == TiffPixels::Kind::kYcbcr) {
      StoreYcbcr(row, rgb);
      continue;
    }
    const int step = pixels_.kind == TiffPixels::Kind::kRgb ? 1 : 0;
    Rgba pixel = {ColourSample(row, 0), ColourSample(row, step), ColourSample(row, 2 * step), 255};
    if (pixels_.kind == TiffPixels::Kind::kPalette) pixel = pixels_.palette.colours[pixel[0]];
    if (pixels_.kind == TiffPixels::Kind::kGrey && pixels_.white_is_zero) {
      for (int channel = 0; channel < 3; ++channel) pixel[channel] ^= 0xFF;
    }
    if (pixels_.alpha_sample >= 0) pixel[3] = ColourSample(row, pixels_.alpha_sample);
    if (pixels_.premultiplied && pixel[3] != 255) {
      for (int channel = 0; channel < 3; ++channel) {
        const int colour = pixel[3] == 0 ? 0 : pixel[channel] * 255 / pixel[3];
        pixel[channel] = static_cast<uint8_t>(std::min(colour, 255));
      }
    }
    StoreRgba(pixel, alpha_, rgb);
  }
}

// a* and b* are signed; Pillow does not take them so where they are in planes of their own.
void TiffRowConverter::ConvertCielabRow(const uint8_t* row, int64_t columns, uint8_t* rgb) {
  if (cielab_ == nullptr) cielab_ = std::make_unique<CielabToRgb>();
  unpacked_.assign(row, row + 3 * columns);
  if (!pixels_.separate) {
    for (size_t i = 0; i < unpacked_.size(); ++i) unpacked_[i] ^= i % 3 == 0 ? 0 : 0x80;
  }
  cielab_->ConvertRow(unpacked_.data(), columns, rgb);
}

void TiffRowConverter::ConvertSingleSampleRow(const uint8_t* row, int64_t columns, uint8_t* rgb) {
  unpacked_.resize(static_cast<size_t>(columns));
  if (pixels_.kind == TiffPixels::Kind::kPalette) {
    UnpackBits(row, columns, pixels_.bits, unpacked_.data());
    PaletteRowToRgb(unpacked_.data(), columns, pixels_.palette, alpha_, rgb);
    return;
  }
  UnpackGrey(row, columns);
  GreyRowToRgb(unpacked_.data(), columns, rgb);
}

// Up to 8 bits are scaled to 8; more are clipped at 255, as Pillow's wide modes are.
void TiffRowConverter::UnpackGrey(const uint8_t* row, int64_t columns) {
  if (pixels_.bits <= 8) {
    const int scale = 255 / ((1 << pixels_.bits) - 1);
    UnpackBits(row, columns, pixels_.bits, unpacked_.data());
    for (uint8_t& value : unpacked_) {
      value = static_cast<uint8_t>(pixels_.white_is_zero ? 255 - value * scale : value * scale);
    }
    return;
  }
  for (int64_t x = 0; x < columns; ++x) {
    if (pixels_.bits == 12) {
      const uint8_t* pair = row + x / 2 * 3;
      const int value = x % 2 == 0 ? pair[0] << 4 | pair[1] >> 4 : (pair[1] & 15) << 8 | pair[2];
      unpacked_[x] = static_cast<uint8_t>(std::min(value, 255));
    } else if (pixels_.bits == 16) {
      unpacked_[x] =
          pixels_.is_signed ? ClippedSample<int16_t>(row, x) : ClippedSample<uint16_t>(row, x);
    } else if (pixels_.is_float) {
      unpacked_[x] = ClippedSample<float>(row, x);
    } else {  // Pillow takes unsigned ones for signed, too
      unpacked_[x] = ClippedSample<int32_t>(row, x);
    }
  }
}

}  // namespace siglip
