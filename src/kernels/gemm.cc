#include "kernels/gemm.h"

#include <algorithm>

namespace siglip {
namespace {

/// Room for the largest tile of any instruction set.
constexpr size_t kMaxTileFloats = size_t{16} * 64;

/// Rounded up to what kernels write.
size_t WholeVectors(int64_t columns) {
  return (static_cast<size_t>(columns) + kVectorFloats - 1) / kVectorFloats * kVectorFloats;
}

void Finish(const Kernels& kernels, const Epilogue& epilogue, int rows, int64_t row, int64_t column,
            size_t columns, const float* tile, size_t tile_stride, const Matrix& out) {
  const float* bias = epilogue.bias + column;
  float* to = out.row(row) + column;
  if (epilogue.activation != nullptr) {
    kernels.bias_activation(*epilogue.activation, rows, columns, bias, tile, tile_stride, to,
                            out.stride);
  } else if (epilogue.residual.data != nullptr) {
    kernels.bias_residual(rows, columns, bias, tile, tile_stride,
                          epilogue.residual.row(row) + column, epilogue.residual.stride, to,
                          out.stride);
  } else {
    kernels.bias(rows, columns, bias, tile, tile_stride, to, out.stride);
  }
}

}  // namespace

int64_t TileCount(int64_t rows, int tile_rows) { return (rows + tile_rows - 1) / tile_rows; }

RowRange TileRows(int64_t rows, int tile_rows, int64_t index) {
  const int64_t tiles = TileCount(rows, tile_rows);
  return {rows * index / tiles, rows * (index + 1) / tiles};
}

void Gemm(const Kernels& kernels, const Matrix& a, const PackedMatrix& weight,
          const Epilogue& epilogue, const Matrix& out) {
  alignas(64) float tile[kMaxTileFloats];
  const auto stride = static_cast<size_t>(weight.panel_columns());
  const auto depth = static_cast<size_t>(weight.inputs());
  const int64_t tiles = TileCount(a.rows, kernels.tile_rows);
  // A panel of weights stays in the L2 cache while all rows pass by it.
  for (int64_t panel = 0; panel < weight.panels(); ++panel) {
    const int64_t column = panel * weight.panel_columns();
    const int64_t columns = std::min<int64_t>(weight.panel_columns(), weight.outputs() - column);
    for (int64_t index = 0; index < tiles; ++index) {
      const RowRange range = TileRows(a.rows, kernels.tile_rows, index);
      const int rows = static_cast<int>(range.end - range.begin);
      kernels.gemm_tile(rows, static_cast<int>(columns), depth, a.row(range.begin), a.stride,
                        weight.panel(panel), tile, stride, false);
      Finish(kernels, epilogue, rows, range.begin, column, WholeVectors(columns), tile, stride,
             out);
    }
  }
}

}  // namespace siglip
