// The finished result of a run, as those see it who write it into a file of some format.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "outputs/journal.h"
#include "siglip/tensor.h"

namespace siglip::cli {

/// Names and rows in the order of the input, read from the journal one at a time.
class EmbeddingTable {
 public:
  /// `offsets` are those of the rows in `journal`, which must outlive this object.
  EmbeddingTable(const Journal& journal, std::vector<uint64_t> offsets, Shape row_shape,
                 Settings settings);

  size_t rows() const { return offsets_.size(); }
  /// [rows, D] or [rows, N, D]
  const Shape& shape() const { return shape_; }
  const Settings& settings() const { return settings_; }
  RowKey Key(size_t row) const { return journal_.ReadKey(offsets_[row]); }
  /// For formats without a place for the type: "text:" begins the names of texts only. A picture's
  /// path that begins so gets "./" before it, which is the same file.
  std::string Name(size_t row) const;
  /// Valid until the next call.
  std::span<const float> Row(size_t row);

 private:
  const Journal& journal_;
  const std::vector<uint64_t> offsets_;
  const Settings settings_;
  Shape shape_;
  std::vector<float> row_;
};

}  // namespace siglip::cli
