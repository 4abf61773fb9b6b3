// Matrix products with packed weights.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/operand.h"
#include "kernels/packing.h"
#include "tensor/arena.h"

namespace siglip {

/// What is done with a product before it is stored, element by element.
struct Epilogue {
  /// [outputs] rounded up to whole panels; never null.
  const float* bias = nullptr;
  /// Applied after the bias where set.
  const Activation* activation = nullptr;
  /// Added after the bias where data is set; may be the output itself. Excludes `activation`.
  ConstMatrix residual;
  /// kBFloat16: rows of `out` are filled with bfloat16 instead of floats. Excludes `residual`.
  OperandType result = OperandType::kFloat32;
};

/// out[M, outputs] = epilogue(a[M, inputs] * weight^T), `a` of the weight's type. `out` is written
/// up to the next multiple of kVectorFloats columns. Runs on the calling thread.
void Gemm(const Kernels& kernels, const Operand& a, const PackedMatrix& weight,
          const Epilogue& epilogue, const Matrix& out);

/// Rows [begin, end) of tile `index` when `rows` rows are split evenly into tiles of at most
/// `tile_rows`: their heights differ by one at most, so no thin tile is left over.
struct RowRange {
  int64_t begin;
  int64_t end;
};
int64_t TileCount(int64_t rows, int tile_rows);
RowRange TileRows(int64_t rows, int tile_rows, int64_t index);

}  // namespace siglip
