// Rows of floats as the GEMM kernels of a precision take them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "tensor/arena.h"

namespace siglip {

/// Values that one word holds: 1, 2 or 4.
constexpr int64_t ValuesPerWord(OperandType type) { return int64_t{1} << static_cast<int>(type); }

/// Words of a row of `columns` values; what is missing in the last one is zero.
constexpr int64_t WordCount(OperandType type, int64_t columns) {
  return (columns + ValuesPerWord(type) - 1) / ValuesPerWord(type);
}

/// The left side of a product. Borrowed.
struct Operand {
  const uint32_t* words = nullptr;
  int64_t rows = 0;
  int64_t depth = 0;              // words of a row
  size_t stride = 0;              // in words
  const float* scales = nullptr;  // kInt8: a row's values are scale * (byte - 128)

  const uint32_t* row(int64_t index) const { return words + static_cast<size_t>(index) * stride; }
};

/// Floats of scratch that ToOperand needs.
size_t OperandScratchFloats(OperandType type, int64_t rows, int64_t columns);

/// Converts row by row into `scratch`; kFloat32 is the matrix itself, without a copy. Each row is
/// converted on its own, so it has the same bits in any matrix.
Operand ToOperand(const Kernels& kernels, OperandType type, const Matrix& in, float* scratch);

}  // namespace siglip
