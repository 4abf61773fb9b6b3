// What the image tower of a NaFlex checkpoint is fed.
#pragma once

#include "siglip/tensor.h"

namespace siglip {

/// Pictures as patches, under transformers' names. Rows behind a picture's own patches are padding.
struct Siglip2Inputs {
  Tensor pixel_values;          ///< F32 [B, max_num_patches, patch_size * patch_size * channels].
  Tensor pixel_attention_mask;  ///< I32 [B, max_num_patches]: 1 for a patch, 0 for padding.
  Tensor spatial_shapes;        ///< I64 [B, 2]: rows and columns of patches.
};

}  // namespace siglip
