// A picture's brightness in a few numbers.
#pragma once

#include "image/image_view.h"
#include "siglip/picture_details.hpp"

namespace siglip {

/// See PictureDetails::greys; `image` is upright and has at least one pixel.
PictureGreys GreyMeans(const ImageView& image);

}  // namespace siglip
