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

/// The next panel is fetched from memory in pieces while the tiles of this one are computed, since
/// reading it just when it is needed would be slower than computing with it. The first tiles take
/// a piece each; the others look at what is near already.
const uint32_t* PrefetchAddress(const PackedMatrix& weight, int64_t panel, int64_t tile) {
  const int64_t words = weight.depth() * weight.panel_columns();
  const int64_t offset = tile * weight.depth() * static_cast<int64_t>(kPrefetchWords);
  const bool has_next = panel + 1 < weight.panels() && offset < words;
  return has_next ? weight.panel(panel + 1) + offset : weight.panel(panel);
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

void Gemm(const Kernels& kernels, const Operand& a, const PackedMatrix& weight,
          const Epilogue& epilogue, const Matrix& out) {
  alignas(64) float tile[kMaxTileFloats];
  const GemmTile gemm_tile = kernels.gemm_tile[static_cast<int>(weight.type())];
  const auto stride = static_cast<size_t>(weight.panel_columns());
  const auto depth = static_cast<size_t>(weight.depth());
  const int64_t tiles = TileCount(a.rows, kernels.tile_rows);
  // A panel of weights stays in the L2 cache while all rows pass by it.
  for (int64_t panel = 0; panel < weight.panels(); ++panel) {
    const int64_t column = panel * weight.panel_columns();
    const int64_t columns = std::min<int64_t>(weight.panel_columns(), weight.outputs() - column);
    for (int64_t index = 0; index < tiles; ++index) {
      const RowRange range = TileRows(a.rows, kernels.tile_rows, index);
      const int rows = static_cast<int>(range.end - range.begin);
      gemm_tile(rows, static_cast<int>(columns), depth, a.row(range.begin), a.stride,
                weight.panel(panel), tile, stride, PrefetchAddress(weight, panel, index));
      if (weight.type() == OperandType::kInt8) {
        kernels.dequantize(rows, WholeVectors(columns), a.scales + range.begin,
                           weight.scales() + column, weight.corrections() + column, tile, stride);
      }
      Finish(kernels, epilogue, rows, range.begin, column, WholeVectors(columns), tile, stride,
             out);
    }
  }
}

}  // namespace siglip
