// What preprocessing makes of a picture.
#pragma once

#include <cstdint>

#include "siglip/tensor.h"

namespace siglip {

/// One picture as an image tower is fed.
struct PreparedPicture {
  Tensor pixel_values;  ///< F32 [1, 3, height, width] or, of NaFlex, [1, patches, values].
  int64_t rows = 0;     ///< Of patches.
  int64_t columns = 0;  ///< Of patches.

  int64_t tokens() const { return rows * columns; }
};

}  // namespace siglip
