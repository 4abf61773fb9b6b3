// Thumbnails of pictures.
#pragma once

#include <cstdint>
#include <string>

#include "siglip/image.hpp"

namespace siglip::apps {

struct Thumbnail {
  int64_t width = 0;
  int64_t height = 0;
  std::string jpeg;
};

/// With at most so many pixels a side; smaller pictures keep their size. Throws as EncodeJpeg does.
Thumbnail MakeThumbnail(const Image& image, int64_t side);

}  // namespace siglip::apps
