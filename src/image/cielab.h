// CIELAB to RGB, as Pillow converts it: through liblcms2, perceptually, from D50 to sRGB.
#pragma once

#include <cstdint>
#include <memory>

namespace siglip {

class CielabToRgb {
 public:
  CielabToRgb();
  ~CielabToRgb();

  /// `lab` holds three bytes per pixel: L* from 0 to 255 for 0 to 100, then a* + 128 and b* + 128.
  /// `rgb` may not overlap it.
  void ConvertRow(const uint8_t* lab, int64_t width, uint8_t* rgb) const;

 private:
  struct Transform;
  std::unique_ptr<Transform> transform_;
};

}  // namespace siglip
