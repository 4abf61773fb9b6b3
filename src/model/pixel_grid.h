// The shape of pixel_values, checked against what a model takes.
#pragma once

#include <cstdint>

#include "siglip/tensor.h"
#include "siglip/vision_model.h"
#include "tensor/arena.h"

namespace siglip {

struct PixelGrid {
  int64_t batch = 0;
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t rows = 0;     // of patches
  int64_t columns = 0;  // of patches

  int64_t tokens() const { return rows * columns; }
  /// Values of one picture.
  int64_t picture_size() const { return channels * height * width; }
};

/// Throws Error(kMismatch) unless pixel_values is F32 [B, num_channels, H, W] with H = W =
/// image_size or, with interpolate_pos_encoding, at least one patch each way.
PixelGrid CheckPixelValues(const SiglipVisionConfig& config, const Tensor& pixel_values,
                           bool interpolate_pos_encoding);

/// The position embedding for this grid, laid out for the kernels.
MatrixBuffer PositionMatrix(const SiglipVisionEmbeddings& embeddings,
                            const SiglipVisionConfig& config, const PixelGrid& grid);

}  // namespace siglip
