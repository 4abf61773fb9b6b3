#include "kernels/packing.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace siglip {

PackedMatrix::PackedMatrix(const Kernels& kernels, OperandType type, std::span<const float> weight,
                           int64_t outputs, int64_t inputs)
    : type_(type),
      input_type_(InputType(kernels, type)),
      outputs_(outputs),
      inputs_(inputs),
      layout_(LayoutOf(kernels, type)) {
  const auto words = static_cast<size_t>(depth());
  const auto panel_words = static_cast<size_t>(layout_.Size(depth()));
  const auto buffer = std::make_shared<FloatBuffer>(static_cast<size_t>(panels()) * panel_words);
  words_ = {reinterpret_cast<const uint32_t*>(buffer->data()), buffer->size()};
  owner_ = buffer;
  if (type == OperandType::kInt8) {
    scales_.resize(static_cast<size_t>(panels() * layout_.columns));
    corrections_.resize(scales_.size());
  }
  // A panel's rows are converted first, then interleaved sixteen words at a time: one cache line
  // of each of them.
  constexpr size_t kBlock = 16;
  std::vector<uint32_t> rows(static_cast<size_t>(layout_.columns) * words);
  for (int64_t panel = 0; panel < panels(); ++panel) {
    const int64_t first = panel * layout_.columns;
    const auto columns = static_cast<size_t>(std::min<int64_t>(layout_.columns, outputs - first));
    for (size_t column = 0; column < columns; ++column) {
      const auto output = static_cast<size_t>(first) + column;
      const auto size = static_cast<size_t>(inputs);
      ConvertRow(kernels, static_cast<int64_t>(output), weight.subspan(output * size, size),
                 &rows[column * words]);
    }
    float* out = buffer->data() + static_cast<size_t>(panel) * panel_words;
    for (size_t begin = 0; begin < words; begin += kBlock) {
      const size_t end = std::min(words, begin + kBlock);
      size_t offsets[kBlock];
      for (size_t word = begin; word < end; ++word) {
        offsets[word - begin] = static_cast<size_t>(layout_.Offset(static_cast<int64_t>(word), 0));
      }
      for (size_t column = 0; column < columns; ++column) {
        float* const place = out + column * static_cast<size_t>(layout_.column_words);
        for (size_t word = begin; word < end; ++word) {
          std::memcpy(place + offsets[word - begin], &rows[column * words + word],
                      sizeof(uint32_t));
        }
      }
    }
  }
}

PackedMatrix::PackedMatrix(const Kernels& kernels, OperandType type, int64_t outputs,
                           int64_t inputs, std::span<const uint32_t> words,
                           std::shared_ptr<const void> owner, std::vector<float> scales,
                           std::vector<int32_t> corrections)
    : type_(type),
      input_type_(InputType(kernels, type)),
      outputs_(outputs),
      inputs_(inputs),
      layout_(LayoutOf(kernels, type)),
      words_(words),
      owner_(std::move(owner)),
      scales_(std::move(scales)),
      corrections_(std::move(corrections)) {}

void PackedMatrix::ConvertRow(const Kernels& kernels, int64_t output, std::span<const float> row,
                              uint32_t* words) {
  if (type_ == OperandType::kFloat32) {
    std::memcpy(words, row.data(), row.size_bytes());
    return;
  }
  words[depth() - 1] = 0;  // the last word may be filled in part only
  if (type_ == OperandType::kBFloat16) {
    kernels.to_bfloat16(row.size(), row.data(), reinterpret_cast<uint16_t*>(words));
    return;
  }
  auto* bytes = reinterpret_cast<uint8_t*>(words);
  scales_[static_cast<size_t>(output)] = kernels.to_int8(row.size(), row.data(), bytes);
  int32_t sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(bytes[i] - kernels.byte_offset);
    sum += static_cast<int8_t>(bytes[i]);
  }
  corrections_[static_cast<size_t>(output)] = 128 * sum;
}

}  // namespace siglip
