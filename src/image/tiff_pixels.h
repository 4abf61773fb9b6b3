// What the samples of a TIFF picture mean, and rows of them to 8-bit RGB as Pillow converts them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "image/cielab.h"
#include "image/pixels.h"

namespace siglip {

struct TiffPixels {
  enum class Kind { kGrey, kPalette, kRgb, kCmyk, kYcbcr, kCielab };

  Kind kind = Kind::kGrey;
  int bits = 1;     // per sample
  int samples = 1;  // per pixel
  bool is_signed = false;
  bool is_float = false;
  bool separate = false;  // one plane per sample
  bool white_is_zero = false;
  int alpha_sample = -1;
  bool premultiplied = false;  // by alpha
  Palette palette;
};

class TiffRowConverter {
 public:
  /// `pixels` must outlive it.
  TiffRowConverter(const TiffPixels& pixels, AlphaPolicy alpha) : pixels_(pixels), alpha_(alpha) {}

  /// `row` has all samples of a pixel together, in the machine's byte order.
  void Convert(const uint8_t* row, int64_t columns, uint8_t* rgb);

 private:
  void ConvertCielabRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void ConvertSingleSampleRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void UnpackGrey(const uint8_t* row, int64_t columns);
  uint8_t ColourSample(const uint8_t* pixel, int sample) const;

  const TiffPixels& pixels_;
  const AlphaPolicy alpha_;
  std::unique_ptr<CielabToRgb> cielab_;
  std::vector<uint8_t> unpacked_;
};

}  // namespace siglip
