// Decodes arbitrary bytes as one image format: a picture of the stated size or an Error, nothing
// else. Built once per format, so that each has its own corpus.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "siglip/error.h"
#include "siglip/image.h"

namespace {

// Small enough for many executions per second.
siglip::DecodeOptions FuzzOptions(siglip::AlphaPolicy alpha) {
  siglip::DecodeOptions options;
  options.alpha = alpha;
  options.limits.max_pixels = 1 << 18;
  options.limits.max_memory_bytes = 1 << 24;
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (siglip::DetectImageFormat(bytes) != siglip::ImageFormat::SIGLIP_FUZZ_FORMAT) return 0;
  const auto alpha = size % 2 == 0 ? siglip::AlphaPolicy::kWhite : siglip::AlphaPolicy::kDrop;
  try {
    const siglip::Image image = siglip::DecodeImage(bytes, FuzzOptions(alpha), "fuzz");
    if (image.width < 1 || image.height < 1 ||
        image.rgb.size() != static_cast<size_t>(image.width * image.height * 3)) {
      std::abort();
    }
  } catch (const siglip::Error&) {
  }
  return 0;
}
