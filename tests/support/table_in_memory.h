// Embeddings in memory, for tests of the formats.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "output/embedding_table.h"

namespace siglip {

class TableInMemory final : public EmbeddingTable {
 public:
  TableInMemory(std::vector<RowKey> keys, std::vector<std::vector<float>> rows,
                const Shape& row_shape, EmbeddingSettings settings = {})
      : EmbeddingTable(keys.size(), row_shape, std::move(settings)),
        keys_(std::move(keys)),
        rows_(std::move(rows)) {}

  RowKey Key(size_t row) const override { return keys_[row]; }
  std::span<const float> Row(size_t row) override { return rows_[row]; }

 private:
  const std::vector<RowKey> keys_;
  const std::vector<std::vector<float>> rows_;
};

}  // namespace siglip
