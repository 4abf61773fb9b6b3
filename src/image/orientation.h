// Turning a decoded picture upright.
#pragma once

#include "siglip/image.hpp"

namespace siglip {

/// Whether this EXIF orientation exchanges width and height.
inline bool SwapsSides(int orientation) { return orientation >= 5 && orientation <= 8; }

/// Which mirrorings follow after that exchange, if there is one.
inline bool MirrorsHorizontally(int orientation) {
  return orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
}
inline bool MirrorsVertically(int orientation) {
  return orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
}

/// Undoes an EXIF orientation; values other than 2..8 change nothing.
Image ApplyOrientation(Image image, int orientation);

}  // namespace siglip
