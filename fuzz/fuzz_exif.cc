// A block of EXIF: an orientation, and a time that is written with four digits of a year, or
// nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include "image/exif.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> exif(data, size);
  if (const std::optional<int> orientation = siglip::ExifOrientation(exif)) {
    if (*orientation < 1 || *orientation > 8) std::abort();
  }
  if (const std::optional<siglip::TimeTaken> taken = siglip::ExifTimeTaken(exif)) {
    constexpr size_t kLocal = 19;  // "2024-05-17T09:30:00"
    constexpr size_t kOffset = 6;  // "+02:00"
    const std::string written = taken->ToString();
    if (written.size() != kLocal + (taken->offset_minutes ? kOffset : 0)) std::abort();
    if (taken->utc_seconds().has_value() != taken->offset_minutes.has_value()) std::abort();
  }
  return 0;
}
