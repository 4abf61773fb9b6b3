#include "kernels/gemm.h"

#include <algorithm>

namespace siglip {
namespace {

/// Most columns of a panel of any instruction set.
constexpr size_t kMaxPanelColumns = 32;
/// Where bytes stand for themselves.
constexpr int32_t kNoCorrections[kMaxPanelColumns] = {};

/// Rounded up to what kernels write.
size_t WholeVectors(int64_t columns) {
  return (static_cast<size_t>(columns) + kVectorFloats - 1) / kVectorFloats * kVectorFloats;
}

/// One product; the fields of Gemm's parameters, looked at once.
class Product {
 public:
  Product(const Kernels& kernels, const Operand& a, const PackedMatrix& weight,
          const Epilogue& epilogue, const Matrix& out)
      : kernels_(kernels),
        gemm_tile_(kernels.gemm_tile[static_cast<int>(weight.input_type())]),
        tile_rows_(kernels.tile_rows[static_cast<int>(weight.input_type())]),
        words_per_panel_word_(weight.input_type() == weight.type() ? 1 : 2),
        slices_((a.depth + kernels.slice_words - 1) / kernels.slice_words),
        a_(a),
        weight_(weight),
        epilogue_(epilogue),
        out_(out) {}

  int64_t slices() const { return slices_; }
  int tile_rows() const { return tile_rows_; }

  /// Rows [begin, end) of the result, for every panel.
  void MultiplyRows(int64_t begin, int64_t end) const {
    const int64_t tiles = TileCount(end - begin, tile_rows_);
    alignas(64) float sums[kMostBlockRows][kMaxPanelColumns];
    alignas(64) float widened[kMostSliceWords * kMaxPanelColumns];
    // A slice of a panel stays near while all rows of the block pass by it.
    for (int64_t panel = 0; panel < weight_.panels(); ++panel) {
      for (int64_t index = 0; index < slices_; ++index) {
        const Slice slice = SliceOf(panel, index, widened);
        for (int64_t tile = 0; tile < tiles; ++tile) {
          const RowRange rows = TileRows(end - begin, tile_rows_, tile);
          const RowRange range = {begin + rows.begin, begin + rows.end};
          // With one slice every tile may have the same place, since nothing is kept.
          float* const tile_sums = sums[slices_ > 1 ? rows.begin : 0];
          if (tile == 0 && slice.first_tile_widens) {
            kernels_.widening_tile(static_cast<int>(rows.end - rows.begin),
                                   static_cast<size_t>(slice.end - slice.begin) / 2,
                                   a_.row(range.begin) + slice.begin, a_.stride, slice.stored,
                                   index > 0, tile_sums, kMaxPanelColumns, widened);
          } else {
            gemm_tile_(static_cast<int>(rows.end - rows.begin), static_cast<int>(Columns(panel)),
                       static_cast<size_t>(slice.end - slice.begin),
                       a_.row(range.begin) + slice.begin, a_.stride, slice.words, index > 0,
                       tile_sums, kMaxPanelColumns, PrefetchAddress(slice, tile));
          }
          if (index + 1 == slices_) Finish(panel, range, tile_sums);
        }
      }
    }
  }

 private:
  /// Words [begin, end) of the rows of `a` and the words of the panel they are multiplied with.
  struct Slice {
    int64_t begin;
    int64_t end;
    const uint32_t* words;
    const uint32_t* stored;  // what `words` is widened from, else the same
    const uint32_t* next;    // what is needed after it
    int64_t next_words;      // and how much of it is worth fetching
    bool first_tile_widens;
  };

  Slice SliceOf(int64_t panel, int64_t index, float* widened) const {
    // Steps are cut nowhere, and what the panel is filled up with belongs to the last one.
    const PanelLayout& layout = weight_.layout();
    const int64_t depth = layout.Depth(weight_.depth());
    const int64_t steps = (depth + kDepthStep - 1) / kDepthStep;
    const int64_t begin = steps * index / slices_ * kDepthStep;
    const int64_t end = std::min(steps * (index + 1) / slices_ * kDepthStep, depth);
    const int64_t width = layout.columns;
    const bool is_last = panel + 1 == weight_.panels() && index + 1 == slices_;
    Slice slice = {};
    slice.begin = begin * words_per_panel_word_;
    slice.end = std::min(end * words_per_panel_word_, a_.depth);
    slice.stored = weight_.panel(panel) + begin * width;
    slice.words = slice.stored;
    slice.next = weight_.panel(panel) + end * width;
    slice.next_words = is_last ? 0 : (end - begin) * width;
    if (words_per_panel_word_ == 1) return slice;
    slice.words = reinterpret_cast<const uint32_t*>(widened);
    slice.first_tile_widens = kernels_.widening_tile != nullptr && Columns(panel) == width &&
                              (slice.end - slice.begin) % 2 == 0;
    if (!slice.first_tile_widens) {
      kernels_.widen_panel(static_cast<size_t>(end - begin), slice.stored, widened);
    }
    return slice;
  }

  int64_t Columns(int64_t panel) const {
    const int64_t width = weight_.layout().columns;
    return std::min(width, weight_.outputs() - panel * width);
  }

  /// The words after a slice are fetched from memory in pieces while its tiles are computed, since
  /// reading them just when they are needed would be slower than computing with them. The first
  /// tiles take a piece each; the others look at what is near already.
  static const uint32_t* PrefetchAddress(const Slice& slice, int64_t tile) {
    if (slice.first_tile_widens) --tile;  // that one fetches nothing
    const int64_t offset = tile * (slice.end - slice.begin) * static_cast<int64_t>(kPrefetchWords);
    return offset < slice.next_words ? slice.next + offset : slice.words;
  }

  void Finish(int64_t panel, RowRange range, const float* sums) const {
    const int64_t column = panel * weight_.layout().columns;
    TileSums tile = {.rows = static_cast<int>(range.end - range.begin),
                     .columns = WholeVectors(Columns(panel)),
                     .sums = sums,
                     .stride = kMaxPanelColumns,
                     .bias = epilogue_.bias + column};
    if (weight_.type() == OperandType::kInt8) {
      tile.row_scales = a_.scales + range.begin;
      tile.column_scales = weight_.scales().data() + column;
      tile.corrections =
          kernels_.byte_offset == 0 ? kNoCorrections : weight_.corrections().data() + column;
    }
    float* const row = out_.row(range.begin);
    if (epilogue_.result == OperandType::kBFloat16) {
      uint16_t* const halves = reinterpret_cast<uint16_t*>(row) + column;
      if (epilogue_.activation == nullptr) {
        kernels_.bias_bfloat16(tile, halves, 2 * out_.stride);
      } else {
        kernels_.bias_activation_bfloat16(*epilogue_.activation, tile, halves, 2 * out_.stride);
      }
    } else if (epilogue_.activation != nullptr) {
      kernels_.bias_activation(*epilogue_.activation, tile, row + column, out_.stride);
    } else if (epilogue_.residual.data != nullptr) {
      kernels_.bias_residual(tile, epilogue_.residual.row(range.begin) + column,
                             epilogue_.residual.stride, row + column, out_.stride);
    } else {
      kernels_.bias(tile, row + column, out_.stride);
    }
  }

  const Kernels& kernels_;
  const GemmTile gemm_tile_;
  const int tile_rows_;
  const int64_t words_per_panel_word_;  // 2 where a panel of bfloat16 is widened
  const int64_t slices_;
  const Operand& a_;
  const PackedMatrix& weight_;
  const Epilogue& epilogue_;
  const Matrix& out_;
};

}  // namespace

int64_t TileCount(int64_t rows, int tile_rows) { return (rows + tile_rows - 1) / tile_rows; }

RowRange TileRows(int64_t rows, int tile_rows, int64_t index) {
  const int64_t tiles = TileCount(rows, tile_rows);
  return {rows * index / tiles, rows * (index + 1) / tiles};
}

void Gemm(const Kernels& kernels, const Operand& a, const PackedMatrix& weight,
          const Epilogue& epilogue, const Matrix& out) {
  const Product product(kernels, a, weight, epilogue, out);
  const int tile_rows = product.tile_rows();
  int64_t most_rows = std::max<int64_t>(kernels.block_words / a.depth, tile_rows);
  if (product.slices() > 1) most_rows = std::min(most_rows, kernels.block_rows);
  // Even blocks of whole tiles.
  const int64_t tiles = TileCount(a.rows, tile_rows);
  const int64_t blocks = TileCount(tiles, static_cast<int>(most_rows / tile_rows));
  for (int64_t block = 0; block < blocks; ++block) {
    product.MultiplyRows(a.rows * (tiles * block / blocks) / tiles,
                         a.rows * (tiles * (block + 1) / blocks) / tiles);
  }
}

}  // namespace siglip
