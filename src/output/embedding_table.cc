#include "output/embedding_table.h"

#include <utility>

#include "tensor/float16.h"

namespace siglip {

EmbeddingTable::EmbeddingTable(size_t rows, Shape row_shape, EmbeddingSettings settings,
                               DType dtype)
    : shape_(std::move(row_shape)), settings_(std::move(settings)), dtype_(dtype) {
  shape_.insert(shape_.begin(), static_cast<int64_t>(rows));
}

std::string EmbeddingTable::Name(size_t row) const {
  RowKey key = Key(row);
  const bool looks_like_text = key.type == RowType::kPicture && key.name.starts_with("text:");
  return looks_like_text ? "./" + key.name : std::move(key.name);
}

std::span<const std::byte> EmbeddingTable::Bytes(size_t row) {
  const std::span<const float> values = Row(row);
  if (dtype_ == DType::kF32) return std::as_bytes(values);
  halves_.clear();
  for (const float value : values) halves_.push_back(FloatToFloat16(value));
  return std::as_bytes(std::span(halves_));
}

}  // namespace siglip
