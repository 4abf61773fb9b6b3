#include "kernels/operand.h"

#include <cstring>

namespace siglip {
namespace {

/// A word of zeros: bfloat16 has the bits of 0.0, bytes stand 128 above their value.
uint32_t ZeroWord(OperandType type) { return type == OperandType::kInt8 ? 0x80808080U : 0U; }

}  // namespace

size_t OperandScratchFloats(OperandType type, int64_t rows, int64_t columns) {
  if (type == OperandType::kFloat32) return 0;
  const size_t scales = type == OperandType::kInt8 ? MatrixStride(rows) : 0;
  return static_cast<size_t>(rows) * MatrixStride(WordCount(type, columns)) + scales;
}

Operand ToOperand(const Kernels& kernels, OperandType type, const Matrix& in, float* scratch) {
  const auto columns = static_cast<size_t>(in.columns);
  Operand operand;
  operand.rows = in.rows;
  operand.depth = WordCount(type, in.columns);
  if (type == OperandType::kFloat32) {
    operand.words = reinterpret_cast<const uint32_t*>(in.data);
    operand.stride = in.stride;
    return operand;
  }
  operand.stride = MatrixStride(operand.depth);
  operand.words = reinterpret_cast<const uint32_t*>(scratch);
  float* scales = scratch + static_cast<size_t>(in.rows) * operand.stride;
  if (type == OperandType::kInt8) operand.scales = scales;
  for (int64_t row = 0; row < in.rows; ++row) {
    float* out = scratch + static_cast<size_t>(row) * operand.stride;
    if (in.columns % ValuesPerWord(type) != 0) {
      const uint32_t zero = ZeroWord(type);
      std::memcpy(out + operand.depth - 1, &zero, sizeof(zero));
    }
    if (type == OperandType::kBFloat16) {
      kernels.to_bfloat16(columns, in.row(row), reinterpret_cast<uint16_t*>(out));
    } else {
      scales[row] = kernels.to_int8(columns, in.row(row), reinterpret_cast<uint8_t*>(out));
    }
  }
  return operand;
}

}  // namespace siglip
