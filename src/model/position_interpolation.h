// How a square table of position embeddings is resized to the patches of a picture.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/arena.h"

namespace siglip {

/// A table [side, side, width], borrowed.
struct SquareTable {
  std::span<const float> values;
  int64_t side = 0;
  int64_t width = 0;
};

/// As torch's interpolate does with align_corners=False, in float -> [rows * columns, width].
using PositionInterpolation = MatrixBuffer (*)(const SquareTable& table, int64_t rows,
                                               int64_t columns);

/// mode="bicubic", with a = -0.75; a table of the right size stays as it is. Of SigLIP's
/// interpolate_pos_encoding.
MatrixBuffer InterpolateBicubic(const SquareTable& table, int64_t rows, int64_t columns);

/// mode="bilinear", antialias=True. Of NaFlex. Only where columns is 1 and rows is neither 1 nor
/// the table's side does torch differ: its kernel for the CPU then returns the first row for all.
MatrixBuffer InterpolateBilinear(const SquareTable& table, int64_t rows, int64_t columns);

}  // namespace siglip
