// Rows of floats as the GEMM kernels of a precision take them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "tensor/arena.h"

namespace siglip {

/// Values that one word holds: 1, 2 or 4.
constexpr int64_t ValuesPerWord(OperandType type) { return int64_t{1} << static_cast<int>(type); }

/// What is multiplied with weights of a type: the same, or float where the CPU cannot.
constexpr OperandType InputType(const Kernels& kernels, OperandType weight) {
  const bool is_widened = weight == OperandType::kBFloat16 && !kernels.multiplies_bfloat16;
  return is_widened ? OperandType::kFloat32 : weight;
}

/// Words of a row of `columns` values; what is missing in the last one is zero.
constexpr int64_t WordCount(OperandType type, int64_t columns) {
  return (columns + ValuesPerWord(type) - 1) / ValuesPerWord(type);
}

/// A word of zeros as the left side has them: bfloat16 has the bits of 0.0.
uint32_t ZeroWord(const Kernels& kernels, OperandType type);

/// The left side of a product. Borrowed.
struct Operand {
  const uint32_t* words = nullptr;
  int64_t rows = 0;
  int64_t depth = 0;              // words of a row
  size_t stride = 0;              // in words
  const float* scales = nullptr;  // kInt8: values are scale * (byte - Kernels::byte_offset)

  const uint32_t* row(int64_t index) const { return words + static_cast<size_t>(index) * stride; }
};

/// Room for an Operand that is filled row by row.
struct OperandBuffer {
  OperandType type = OperandType::kFloat32;
  uint32_t* words = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;  // values of a row
  size_t stride = 0;    // in words
  float* scales = nullptr;

  /// Rows [begin, end) of this buffer.
  OperandBuffer Rows(int64_t begin, int64_t end) const;
  /// What was put in.
  Operand operand() const { return {words, rows, WordCount(type, columns), stride, scales}; }
};

/// A buffer in `arena`.
OperandBuffer NewOperandBuffer(Arena& arena, OperandType type, int64_t rows, int64_t columns);

/// Converts one row of floats.
void PutRow(const Kernels& kernels, const float* in, int64_t row, const OperandBuffer& out);

/// Floats of scratch that ToOperand needs.
size_t OperandScratchFloats(OperandType type, int64_t rows, int64_t columns);

/// Converts row by row into `scratch`; kFloat32 is the matrix itself, without a copy. Each row is
/// converted on its own, so it has the same bits in any matrix.
Operand ToOperand(const Kernels& kernels, OperandType type, const ConstMatrix& in, float* scratch);

}  // namespace siglip
