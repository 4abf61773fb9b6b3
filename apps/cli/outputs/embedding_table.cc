#include "outputs/embedding_table.h"

#include <utility>

namespace siglip::cli {

EmbeddingTable::EmbeddingTable(const Journal& journal, std::vector<uint64_t> offsets,
                               Shape row_shape, Settings settings)
    : journal_(journal),
      offsets_(std::move(offsets)),
      settings_(std::move(settings)),
      shape_(std::move(row_shape)),
      row_(static_cast<size_t>(ElementCount(shape_))) {
  shape_.insert(shape_.begin(), static_cast<int64_t>(offsets_.size()));
}

std::string EmbeddingTable::Name(size_t row) const {
  RowKey key = Key(row);
  const bool looks_like_text = key.type == RowType::kPicture && key.name.starts_with("text:");
  return looks_like_text ? "./" + key.name : std::move(key.name);
}

std::span<const float> EmbeddingTable::Row(size_t row) {
  journal_.ReadRow(offsets_[row], row_);
  return row_;
}

}  // namespace siglip::cli
