// What an image tower is fed.
#pragma once

#include <utility>

#include "siglip/tensor.hpp"

namespace siglip {

/// Pictures under transformers' names. With fixed resolution pixel_values alone: F32 [B, C, H, W].
/// Of NaFlex all three; rows behind a picture's own patches are padding.
struct VisionInputs {
  VisionInputs() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): with fixed resolution it is all there is
  VisionInputs(Tensor pixels, Tensor mask = {}, Tensor shapes = {})
      : pixel_values(std::move(pixels)),
        pixel_attention_mask(std::move(mask)),
        spatial_shapes(std::move(shapes)) {}

  Tensor pixel_values;          ///< F32 [B, max_num_patches, patch_size * patch_size * channels].
  Tensor pixel_attention_mask;  ///< I32 [B, max_num_patches]: 1 for a patch, 0 for padding.
  Tensor spatial_shapes;        ///< I64 [B, 2]: rows and columns of patches.
};

/// The same, borrowed: what a model reads. An empty tensor is one that was left out.
struct VisionInputsView {
  // NOLINTBEGIN(google-explicit-constructor): a view of any of them
  VisionInputsView(const VisionInputs& inputs)
      : pixel_values(inputs.pixel_values),
        pixel_attention_mask(inputs.pixel_attention_mask),
        spatial_shapes(inputs.spatial_shapes) {}
  VisionInputsView(const Tensor& pixels) : pixel_values(pixels) {}
  VisionInputsView(TensorView pixels, TensorView mask = {}, TensorView shapes = {})
      : pixel_values(std::move(pixels)),
        pixel_attention_mask(std::move(mask)),
        spatial_shapes(std::move(shapes)) {}
  // NOLINTEND(google-explicit-constructor)

  TensorView pixel_values;
  TensorView pixel_attention_mask;
  TensorView spatial_shapes;
};

}  // namespace siglip
