// Where the words of a panel lie: the right side of a product, as a GemmTile reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/kernels.h"

namespace siglip {

/// [words / column_words][columns][column_words]: `columns` columns side by side, and of each of
/// them as many words as one step takes. The last step is filled up; a tile takes no notice of what
/// stands there.
struct PanelLayout {
  int64_t columns;
  int64_t column_words;

  /// `words` of a column, rounded up to whole steps.
  int64_t Depth(int64_t words) const {
    return (words + column_words - 1) / column_words * column_words;
  }
  /// Words of a panel whose columns have `words`.
  int64_t Size(int64_t words) const { return Depth(words) * columns; }
  /// Panels for so many columns.
  int64_t Count(int64_t all_columns) const { return (all_columns + columns - 1) / columns; }
  /// Where a word of a column stands in a panel.
  int64_t Offset(int64_t word, int64_t column) const {
    return word / column_words * column_words * columns + column * column_words +
           word % column_words;
  }
};

inline PanelLayout LayoutOf(const Kernels& kernels, OperandType type) {
  return {kernels.panel_columns, kernels.column_words[static_cast<int>(type)]};
}

/// "32x1": columns, and words of each side by side. Packed files call layouts so.
inline std::string ToString(const PanelLayout& layout) {
  return std::to_string(layout.columns) + "x" + std::to_string(layout.column_words);
}

}  // namespace siglip
