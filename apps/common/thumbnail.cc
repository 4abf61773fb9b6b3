#include "common/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/jpeg_writer.h"

namespace siglip::apps {
namespace {

constexpr int kQuality = 84;

Image Shrunk(const Image& image, int64_t longer, int64_t side) {
  const auto shrink = [&](int64_t pixels) {
    return std::max<int64_t>(1,
                             std::llround(static_cast<double>(pixels) * static_cast<double>(side) /
                                          static_cast<double>(longer)));
  };
  return Resize(image, shrink(image.height), shrink(image.width), Resample::kLanczos,
                PreprocessMode::kPillow13);
}

}  // namespace

Thumbnail MakeThumbnail(const Image& image, int64_t side) {
  const int64_t longer = std::max(image.width, image.height);
  std::optional<Image> smaller;
  if (longer > side) smaller = Shrunk(image, longer, side);
  const Image& shown = smaller ? *smaller : image;
  return {.width = shown.width, .height = shown.height, .jpeg = EncodeJpeg(shown, kQuality)};
}

}  // namespace siglip::apps
