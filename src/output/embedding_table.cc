#include "output/embedding_table.h"

#include <utility>

namespace siglip {

EmbeddingTable::EmbeddingTable(size_t rows, Shape row_shape, EmbeddingSettings settings)
    : shape_(std::move(row_shape)), settings_(std::move(settings)) {
  shape_.insert(shape_.begin(), static_cast<int64_t>(rows));
}

std::string EmbeddingTable::Name(size_t row) const {
  RowKey key = Key(row);
  const bool looks_like_text = key.type == RowType::kPicture && key.name.starts_with("text:");
  return looks_like_text ? "./" + key.name : std::move(key.name);
}

}  // namespace siglip
