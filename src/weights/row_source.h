// Rows of a matrix of weights that are read one by one, for tables too large to convert whole.
#pragma once

#include <cstdint>
#include <span>

namespace siglip {

/// Safe to read from several threads at once.
class RowSource {
 public:
  virtual ~RowSource() = default;

  /// The values of one row as float. `row` and the size of `out` must fit the shape asked for.
  virtual void ReadRow(int64_t row, std::span<float> out) const = 0;
};

}  // namespace siglip
