// Resizing: any picture, size, filter and mode must give the naive twin's bytes with every
// instruction set, or the same kind of error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "image/resize.h"
#include "image/resize_reference.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// Takes numbers from the front of the input; zeros when it is used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  /// Mostly small, sometimes long, so that no single run is slow.
  int64_t Side() {
    const uint8_t kind = Byte();
    const int64_t value = Byte();
    if (kind < 16) return value * 40;
    return kind < 128 ? value % 24 : value;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

template <typename Function>
std::optional<ErrorCode> Try(const Function& function) {
  try {
    function();
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

std::vector<uint8_t> Cut(const Image& image, const CropWindow& window) {
  std::vector<uint8_t> rgb;
  for (int64_t y = window.top; y < window.top + window.height; ++y) {
    const auto row = image.rgb.begin() + (y * image.width + window.left) * 3;
    rgb.insert(rgb.end(), row, row + window.width * 3);
  }
  return rgb;
}

void Run(Input input) {
  const auto resample = static_cast<Resample>(input.Byte() % 8);
  const auto mode = static_cast<PreprocessMode>(input.Byte() % 4);
  Image image{.width = input.Side(), .height = input.Side(), .rgb = {}};
  const int64_t height = input.Side();
  const int64_t width = input.Side();
  constexpr int64_t kMost = 6'000;  // pixels that the naive twin resizes fast enough
  if (image.width * image.height > kMost || image.width * height > kMost ||
      width * image.height > kMost || width * height > kMost) {
    return;
  }
  // The bytes at hand, over and over, and every other time around inverted.
  image.rgb.resize(static_cast<size_t>(image.width * image.height * 3));
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>(i < 4096 ? input.Byte() ^ (i * 37) : ~image.rgb[i - 4096]);
  }
  Image expected;
  const auto expected_error =
      Try([&] { expected = ResizeReference(image, height, width, resample, mode); });
  for (const InstructionSet isa :
       {InstructionSet::kGeneric, InstructionSet::kAvx2, SupportedInstructionSets().back()}) {
    if (isa > SupportedInstructionSets().back()) continue;
    Image found;
    ResizeRequest request = {.height = height, .width = width, .resample = resample, .mode = mode};
    const auto error = Try([&] { found = ResizeWith(ResizeKernelsFor(isa), image, request); });
    if (error != expected_error || found.rgb != expected.rgb) std::abort();
    if (error) continue;
    request.crop = CropWindow{.top = height / 3,
                              .left = width / 4,
                              .height = height - height / 2,
                              .width = width - width / 2};
    if (ResizeWith(ResizeKernelsFor(isa), image, request).rgb != Cut(expected, *request.crop)) {
      std::abort();
    }
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run(siglip::Input(data, size));
  return 0;
}
