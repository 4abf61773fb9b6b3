// Decodes arbitrary bytes as one image format, or resizes them while they are decoded: a picture of
// the stated size or an Error, nothing else. Built once per format, so that each has its own
// corpus.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include "image/encoded_image.h"
#include "siglip/error.hpp"
#include "siglip/image.hpp"

namespace {

constexpr siglip::ImageFormat kFormat = siglip::ImageFormat::SIGLIP_FUZZ_FORMAT;

// Small enough for many executions per second.
siglip::DecodeOptions FuzzOptions(size_t variant) {
  siglip::DecodeOptions options;
  options.alpha = variant % 2 == 0 ? siglip::AlphaPolicy::kWhite : siglip::AlphaPolicy::kDrop;
  options.fast = variant / 2 % 2 == 1;
  options.limits.max_pixels = 1 << 18;
  options.limits.max_memory_bytes = 1 << 24;
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (siglip::DetectImageFormat(bytes) != kFormat) return 0;
  const siglip::DecodeOptions options = FuzzOptions(size);
  const siglip::ResizeRequest request = {.height = 5, .width = 8};
  const std::string name = "fuzz";
  try {
    const siglip::Image image = siglip::DecodeImage(bytes, options, name);
    if (image.width < 1 || image.height < 1 ||
        image.rgb.size() != static_cast<size_t>(image.width * image.height * 3)) {
      std::abort();
    }
    siglip::EncodedImage encoded(bytes, options, name);
    const std::optional<siglip::TimeTaken> taken = encoded.time_taken();
    const siglip::Image resized = encoded.Resized(siglip::ChooseResizeKernels(), request);
    if (encoded.time_taken() != taken) std::abort();
    if (resized.rgb.size() != static_cast<size_t>(request.width * request.height * 3)) std::abort();
    const siglip::Image expected =
        siglip::Resize(image, request.height, request.width, request.resample, request.mode);
    // libheif 1.15 leaves what no tile of an alpha's grid covers as it was in memory: another
    // picture every time.
    constexpr bool kRepeats = kFormat != siglip::ImageFormat::kHeic;
    if (kRepeats && !options.fast && resized.rgb != expected.rgb) std::abort();
  } catch (const siglip::Error&) {
  }
  return 0;
}
