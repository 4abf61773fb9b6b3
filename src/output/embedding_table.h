// Embeddings as those see them who write them into a file of some format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "output/embedding.h"
#include "siglip/tensor.hpp"

namespace siglip {

/// Rows with their names, one at a time: all of them may be larger than the memory.
class EmbeddingTable {
 public:
  virtual ~EmbeddingTable() = default;

  size_t rows() const { return static_cast<size_t>(shape_.front()); }
  /// [rows, D] or [rows, N, D]
  const Shape& shape() const { return shape_; }
  const EmbeddingSettings& settings() const { return settings_; }
  /// For formats without a place for the type: "text:" begins the names of texts only. A picture's
  /// path that begins so gets "./" before it, which is the same file.
  std::string Name(size_t row) const;

  virtual RowKey Key(size_t row) const = 0;
  /// Valid until the next call.
  virtual std::span<const float> Row(size_t row) = 0;

  /// What formats with elements of their own write.
  DType dtype() const { return dtype_; }
  /// A row in that type. Valid until the next call.
  std::span<const std::byte> Bytes(size_t row);

 protected:
  /// `row_shape` is [D] or [N, D]; `dtype` is kF32 or kF16.
  EmbeddingTable(size_t rows, Shape row_shape, EmbeddingSettings settings,
                 DType dtype = DType::kF32);

 private:
  Shape shape_;
  const EmbeddingSettings settings_;
  const DType dtype_;
  std::vector<uint16_t> halves_;
};

}  // namespace siglip
