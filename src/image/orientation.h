// Turning a decoded picture upright.
#pragma once

#include "siglip/image.h"

namespace siglip {

/// Whether this EXIF orientation exchanges width and height.
inline bool SwapsSides(int orientation) { return orientation >= 5 && orientation <= 8; }

/// Undoes an EXIF orientation; values other than 2..8 change nothing.
Image ApplyOrientation(Image image, int orientation);

}  // namespace siglip
