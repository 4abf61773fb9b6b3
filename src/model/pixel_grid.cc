#include "model/pixel_grid.h"

#include <string>

#include "model/workspace.h"
#include "siglip/error.h"

namespace siglip {

PixelGrid CheckPixelValues(const SiglipVisionConfig& config, const Tensor& pixel_values,
                           bool interpolate_pos_encoding) {
  const std::string size = std::to_string(config.image_size);
  const std::string channels = std::to_string(config.num_channels);
  const std::string found =
      std::string(ToString(pixel_values.dtype())) + " " + ToString(pixel_values.shape());
  if (pixel_values.dtype() != DType::kF32 || pixel_values.shape().size() != 4 ||
      pixel_values.dim(1) != config.num_channels) {
    throw Error(ErrorCode::kMismatch, "pixel_values: expected F32 [batch, " + channels +
                                          ", height, width], found " + found);
  }
  PixelGrid grid;
  grid.batch = pixel_values.dim(0);
  grid.channels = pixel_values.dim(1);
  grid.height = pixel_values.dim(2);
  grid.width = pixel_values.dim(3);
  grid.rows = grid.height / config.patch_size;
  grid.columns = grid.width / config.patch_size;
  if (!interpolate_pos_encoding &&
      (grid.height != config.image_size || grid.width != config.image_size)) {
    throw Error(ErrorCode::kMismatch,
                "pixel_values: expected [batch, " + channels + ", " + size + ", " + size +
                    "], found " + ToString(pixel_values.shape()),
                "resize the pictures, or ask for --interpolate-pos-encoding");
  }
  if (grid.rows < 1 || grid.columns < 1) {
    throw Error(ErrorCode::kMismatch, "pixel_values: expected at least one patch of " +
                                          std::to_string(config.patch_size) +
                                          " pixels each way, found " +
                                          ToString(pixel_values.shape()));
  }
  return grid;
}

MatrixBuffer PositionMatrix(const SiglipVisionEmbeddings& embeddings,
                            const SiglipVisionConfig& config, const PixelGrid& grid) {
  const Tensor table = embeddings.PositionEmbedding(grid.rows, grid.columns);
  MatrixBuffer positions(grid.tokens(), config.hidden_size);
  auto* from = const_cast<float*>(table.floats().data());
  CopyRows(DenseRows(from, 0, grid.tokens(), config.hidden_size), positions.matrix());
  return positions;
}

}  // namespace siglip
