#include "kernels/operand.h"

#include <cstring>

namespace siglip {

uint32_t ZeroWord(const Kernels& kernels, OperandType type) {
  return type == OperandType::kInt8 ? 0x01010101U * static_cast<uint32_t>(kernels.byte_offset) : 0U;
}

OperandBuffer OperandBuffer::Rows(int64_t begin, int64_t end) const {
  OperandBuffer part = *this;
  part.words += static_cast<size_t>(begin) * stride;
  part.rows = end - begin;
  if (scales != nullptr) part.scales += begin;
  return part;
}

OperandBuffer NewOperandBuffer(Arena& arena, OperandType type, int64_t rows, int64_t columns) {
  const Matrix words = arena.NewMatrix(rows, WordCount(type, columns));
  float* scales = type == OperandType::kInt8 ? arena.Floats(static_cast<size_t>(rows)) : nullptr;
  return {type, reinterpret_cast<uint32_t*>(words.data), rows, columns, words.stride, scales};
}

void PutRow(const Kernels& kernels, const float* in, int64_t row, const OperandBuffer& out) {
  const auto columns = static_cast<size_t>(out.columns);
  uint32_t* words = out.words + static_cast<size_t>(row) * out.stride;
  if (out.columns % ValuesPerWord(out.type) != 0) {
    words[WordCount(out.type, out.columns) - 1] = ZeroWord(kernels, out.type);
  }
  switch (out.type) {
    case OperandType::kFloat32: std::memcpy(words, in, columns * sizeof(float)); break;
    case OperandType::kBFloat16:
      kernels.to_bfloat16(columns, in, reinterpret_cast<uint16_t*>(words));
      break;
    case OperandType::kInt8:
      out.scales[row] = kernels.to_int8(columns, in, reinterpret_cast<uint8_t*>(words));
      break;
  }
}

size_t OperandScratchFloats(OperandType type, int64_t rows, int64_t columns) {
  if (type == OperandType::kFloat32) return 0;
  const size_t scales = type == OperandType::kInt8 ? MatrixStride(rows) : 0;
  return static_cast<size_t>(rows) * MatrixStride(WordCount(type, columns)) + scales;
}

Operand ToOperand(const Kernels& kernels, OperandType type, const ConstMatrix& in, float* scratch) {
  if (type == OperandType::kFloat32) {
    return {reinterpret_cast<const uint32_t*>(in.data), in.rows, in.columns, in.stride, nullptr};
  }
  OperandBuffer buffer = {type,       reinterpret_cast<uint32_t*>(scratch),      in.rows,
                          in.columns, MatrixStride(WordCount(type, in.columns)), nullptr};
  if (type == OperandType::kInt8) {
    buffer.scales = scratch + static_cast<size_t>(in.rows) * buffer.stride;
  }
  for (int64_t row = 0; row < in.rows; ++row) PutRow(kernels, in.row(row), row, buffer);
  return buffer.operand();
}

}  // namespace siglip
