#include "image/image_view.h"

namespace siglip {

Image ToImage(const ImageView& view) {
  Image image{.width = view.width, .height = view.height, .rgb = {}};
  image.rgb.reserve(static_cast<size_t>(3 * view.width * view.height));
  for (int64_t y = 0; y < view.height; ++y) {
    image.rgb.insert(image.rgb.end(), view.row(y), view.row(y) + 3 * view.width);
  }
  return image;
}

}  // namespace siglip
