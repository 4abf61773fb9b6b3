#include "index/all_pairs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "index/byte_vector.h"
#include "index/score_rounding.h"
#include "kernels/gemm.h"
#include "kernels/operand.h"
#include "kernels/panel_layout.h"
#include "siglip/error.hpp"
#include "tensor/float16.h"

namespace siglip {
namespace {

/// Rows that become representatives or not before the others are compared with them.
constexpr int64_t kBlockRows = 256;
/// Rows that a thread compares with all representatives of a block while they are in its caches.
constexpr int64_t kChunkRows = 448;
/// Chunks per thread whose pairs are kept until they are decided.
constexpr int64_t kChunksPerThread = 4;
/// A row in a group is compared in vain until rows are closed up: when these are one part in so
/// many of the rest.
constexpr int64_t kClosingShare = 8;

/// What float operations on sums lose, relative to the largest product there can be: six roundings
/// of 2^-24, and more.
constexpr double kFloatRoundings = 0x1p-20;

/// Rows that are left, as bytes that stand `byte_offset` above their values, and what their
/// rounding lost.
class ByteRows {
 public:
  ByteRows(const ComparedVectors& vectors, int byte_offset)
      : count_(vectors.rows), words_((vectors.dimensions + 3) / 4) {
    const auto size = static_cast<size_t>(vectors.dimensions);
    const auto rows = static_cast<size_t>(vectors.rows);
    rows_.resize(rows);
    scales_.resize(rows);
    residuals_.resize(rows);
    bytes_.resize(rows * static_cast<size_t>(words_));
    std::vector<uint16_t> halves(size);
    std::vector<int8_t> row_bytes(static_cast<size_t>(words_) * 4);
    for (size_t row = 0; row < rows; ++row) {
      vectors.read(static_cast<int64_t>(row), halves);
      const ByteVector vector = RoundToBytes(halves, std::span(row_bytes).first(size),
                                             [&] { return "row " + std::to_string(row); });
      auto* const out = reinterpret_cast<uint8_t*>(&bytes_[row * static_cast<size_t>(words_)]);
      std::ranges::transform(row_bytes, out, [byte_offset](int8_t byte) {
        return static_cast<uint8_t>(byte + byte_offset);
      });
      rows_[row] = static_cast<int64_t>(row);
      scales_[row] = vector.scale;
      residuals_[row] = vector.residual;
      largest_norm_ = std::max<double>(largest_norm_, vector.norm);
      largest_residual_ = std::max<double>(largest_residual_, vector.residual);
    }
  }

  int64_t count() const { return count_; }
  int64_t words() const { return words_; }
  /// Their numbers before rows were closed up.
  int64_t row(int64_t slot) const { return rows_[static_cast<size_t>(slot)]; }
  float residual(int64_t slot) const { return residuals_[static_cast<size_t>(slot)]; }
  const float* scales(int64_t slot) const { return &scales_[static_cast<size_t>(slot)]; }
  const uint32_t* bytes(int64_t slot) const { return &bytes_[static_cast<size_t>(slot * words_)]; }
  double largest_norm() const { return largest_norm_; }
  double largest_residual() const { return largest_residual_; }

  /// Removes those from `begin` on of which is_removed(row) is true.
  template <class IsRemoved>
  void CloseUp(int64_t begin, IsRemoved is_removed) {
    int64_t kept = begin;
    for (int64_t slot = begin; slot < count_; ++slot) {
      if (is_removed(row(slot))) continue;
      const auto from = static_cast<size_t>(slot);
      const auto to = static_cast<size_t>(kept++);
      rows_[to] = rows_[from];
      scales_[to] = scales_[from];
      residuals_[to] = residuals_[from];
      const auto words = static_cast<size_t>(words_);
      std::memmove(&bytes_[to * words], &bytes_[from * words], words * sizeof(uint32_t));
    }
    count_ = kept;
  }

 private:
  int64_t count_;
  int64_t words_;  // of a row
  std::vector<int64_t> rows_;
  std::vector<float> scales_;
  std::vector<float> residuals_;
  std::vector<uint32_t> bytes_;
  double largest_norm_ = 0;
  double largest_residual_ = 0;
};

/// Some rows as the right side of a product, see PackedMatrix, and how far from their scores the
/// estimates can be.
class Panels {
 public:
  /// `bound(slot)` is the part of the bound that a row brings.
  template <class Bound>
  Panels(const Kernels& kernels, const ByteRows& rows, const std::vector<int64_t>& slots,
         Bound bound)
      : layout_(LayoutOf(kernels, OperandType::kInt8)),
        count_(layout_.Count(static_cast<int64_t>(slots.size()))),
        words_(rows.words()) {
    const auto columns = static_cast<size_t>(layout_.columns);
    const size_t all = static_cast<size_t>(count_) * columns;
    panels_.resize(static_cast<size_t>(count_ * layout_.Size(words_)));
    scales_.resize(all);
    corrections_.resize(all);
    bounds_.resize(all);
    const uint32_t zero = ZeroWord(kernels, OperandType::kInt8);
    for (size_t i = 0; i < slots.size(); ++i) {
      uint32_t* const panel = &panels_[Begin(static_cast<int64_t>(i / columns))];
      const auto column = static_cast<int64_t>(i % columns);
      int32_t sum = 0;
      for (int64_t word = 0; word < words_; ++word) {
        const uint32_t bytes = rows.bytes(slots[i])[word] ^ zero;
        panel[layout_.Offset(word, column)] = bytes;
        for (int shift = 0; shift < 32; shift += 8) sum += static_cast<int8_t>(bytes >> shift);
      }
      scales_[i] = *rows.scales(slots[i]);
      corrections_[i] = kernels.byte_offset * sum;
      bounds_[i] = RoundUp(bound(slots[i]));
    }
  }

  int64_t count() const { return count_; }
  int columns() const { return static_cast<int>(layout_.columns); }
  const uint32_t* panel(int64_t index) const { return &panels_[Begin(index)]; }
  const float* scales(int64_t panel) const { return &scales_[First(panel)]; }
  const int32_t* corrections(int64_t panel) const { return &corrections_[First(panel)]; }
  const float* bounds(int64_t panel) const { return &bounds_[First(panel)]; }

 private:
  /// Its first word, and its first column.
  size_t Begin(int64_t panel) const { return static_cast<size_t>(panel * layout_.Size(words_)); }
  size_t First(int64_t panel) const { return static_cast<size_t>(panel * layout_.columns); }

  PanelLayout layout_;
  int64_t count_;
  int64_t words_;
  std::vector<uint32_t> panels_;
  std::vector<float> scales_;
  std::vector<int32_t> corrections_;
  std::vector<float> bounds_;
};

/// A row and a column of panels whose score may reach the threshold.
struct Pair {
  int64_t slot;
  int64_t column;
};

class Grouping {
 public:
  Grouping(const ComputeRuntime& runtime, const ComparedVectors& vectors, float threshold,
           const std::function<bool(int64_t, int64_t)>& accept)
      : runtime_(runtime),
        kernels_(runtime.kernels()),
        vectors_(vectors),
        threshold_(threshold),
        accept_(accept),
        rows_(vectors, kernels_.byte_offset),
        is_taken_(static_cast<size_t>(vectors.rows)),
        halves_(static_cast<size_t>(vectors.dimensions)) {}

  std::vector<AlikeGroup> Run() && {
    int64_t closed_up = 0;
    for (int64_t begin = 0; begin < rows_.count(); begin += kBlockRows) {
      const int64_t end = std::min(begin + kBlockRows, rows_.count());
      const std::vector<int64_t> representatives = ChooseRepresentatives(begin, end);
      Compare(representatives, end, rows_.count(),
              [&](const Pair& pair) { Decide(representatives, pair); });
      if ((taken_ - closed_up) * kClosingShare > rows_.count() - end) {
        rows_.CloseUp(end, [&](int64_t row) { return IsTaken(row); });
        closed_up = taken_;
      }
      Finish(representatives);
    }
    return std::move(groups_);
  }

 private:
  bool IsTaken(int64_t row) const { return is_taken_[static_cast<size_t>(row)]; }

  /// The slots of those rows in [begin, end) that no other takes; these take others of them.
  std::vector<int64_t> ChooseRepresentatives(int64_t begin, int64_t end) {
    std::vector<int64_t> block;
    for (int64_t slot = begin; slot < end; ++slot) block.push_back(slot);
    block_groups_.assign(block.size(), {});
    floats_.assign(block.size(), {});
    Compare(block, begin, end, [&](const Pair& pair) {
      // A column before the row has been decided already, since pairs come in the order of rows.
      if (block[static_cast<size_t>(pair.column)] < pair.slot &&
          !IsTaken(rows_.row(block[static_cast<size_t>(pair.column)]))) {
        Decide(block, pair);
      }
    });
    std::vector<int64_t> representatives;
    std::vector<std::vector<AlikeRow>> groups;
    std::vector<std::vector<float>> floats;
    for (size_t i = 0; i < block.size(); ++i) {
      if (IsTaken(rows_.row(block[i]))) continue;
      representatives.push_back(block[i]);
      groups.push_back(std::move(block_groups_[i]));
      floats.push_back(std::move(floats_[i]));
    }
    block_groups_ = std::move(groups);
    floats_ = std::move(floats);
    return representatives;
  }

  /// Calls decide(pair) for the rows in [begin, end) and columns that may be alike, in the order of
  /// rows and then of columns.
  template <class Decide>
  void Compare(const std::vector<int64_t>& columns, int64_t begin, int64_t end, Decide decide) {
    // With x and y of norms at most N, rounded with residuals r and s to x' and y':
    //   |x.y - x'.y'| <= |x| s + |y'| r <= N s + (N + s) r
    // for which N r + (N + R) s is taken, R being the largest residual. The roundings of the exact
    // score and of the estimate come on top, see RoundedQuery.
    const double norm = rows_.largest_norm();
    const double rounded_norm = norm + rows_.largest_residual();
    const auto dimensions = static_cast<size_t>(vectors_.dimensions);
    const double roundings = norm * norm * ScoreRounding(dimensions) + ScoreUnderflow(dimensions) +
                             rounded_norm * rounded_norm * kFloatRoundings;
    const Panels panels(kernels_, rows_, columns, [&](int64_t slot) {
      return (norm * rows_.residual(slot) + roundings) * kOutward;
    });
    const auto row_bound = [&](int64_t slot) {
      return rounded_norm * rows_.residual(slot) * kOutward;
    };
    const int64_t chunks = kChunksPerThread * runtime_.threads();
    std::vector<std::vector<Pair>> pairs(static_cast<size_t>(chunks));
    for (; begin < end; begin += chunks * kChunkRows) {
      runtime_.pool().ForEach(chunks, [&](int64_t chunk) {
        const int64_t first = std::min(begin + chunk * kChunkRows, end);
        std::vector<Pair>& found = pairs[static_cast<size_t>(chunk)];
        found.clear();
        FindPairs(panels, static_cast<int64_t>(columns.size()), first,
                  std::min(first + kChunkRows, end), row_bound, found);
      });
      for (const std::vector<Pair>& found : pairs) {
        for (const Pair& pair : found) decide(pair);
      }
    }
  }

  template <class RowBound>
  void FindPairs(const Panels& panels, int64_t columns, int64_t begin, int64_t end,
                 RowBound row_bound, std::vector<Pair>& pairs) const {
    const auto stride = static_cast<size_t>(panels.columns());
    std::vector<float> sums(kMostRows * stride);
    std::vector<float> upper(kMostRows * stride);
    std::vector<float> least;  // what the upper bound of a row without its own part must reach
    for (int64_t slot = begin; slot < end; ++slot) {
      least.push_back(-RoundUp(row_bound(slot) - threshold_));
    }
    const int tile_rows = kernels_.tile_rows[static_cast<int>(OperandType::kInt8)];
    const int64_t tiles = TileCount(end - begin, tile_rows);
    const auto tile_function = kernels_.gemm_tile[static_cast<int>(OperandType::kInt8)];
    const auto words = static_cast<size_t>(rows_.words());
    for (int64_t panel = 0; panel < panels.count(); ++panel) {
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const RowRange range = TileRows(end - begin, tile_rows, tile);
        const int64_t slot = begin + range.begin;
        const TileSums made = {.rows = static_cast<int>(range.end - range.begin),
                               .columns = stride,
                               .sums = sums.data(),
                               .stride = stride,
                               .bias = panels.bounds(panel),
                               .row_scales = rows_.scales(slot),
                               .column_scales = panels.scales(panel),
                               .corrections = panels.corrections(panel)};
        tile_function(made.rows, panels.columns(), words, rows_.bytes(slot), words,
                      panels.panel(panel), false, sums.data(), stride, panels.panel(panel));
        kernels_.bias(made, upper.data(), stride);
        for (int64_t row = 0; row < made.rows; ++row) {
          const float* const values = &upper[static_cast<size_t>(row) * stride];
          const float reached = least[static_cast<size_t>(range.begin + row)];
          int32_t count = 0;  // integers as wide as the floats: a loop of whole vectors
          for (size_t i = 0; i < stride; ++i) count += values[i] >= reached ? 1 : 0;
          if (count == 0 || IsTaken(rows_.row(slot + row))) continue;
          for (size_t i = 0; i < stride; ++i) {
            const int64_t column = panel * panels.columns() + static_cast<int64_t>(i);
            if (values[i] >= reached && column < columns) pairs.push_back({slot + row, column});
          }
        }
      }
    }
    std::ranges::sort(pairs, std::less<>(),
                      [](const Pair& pair) { return std::pair(pair.slot, pair.column); });
  }

  /// Puts a row into the group of a representative where it belongs there.
  void Decide(const std::vector<int64_t>& representatives, const Pair& pair) {
    const int64_t row = rows_.row(pair.slot);
    if (IsTaken(row)) return;
    const auto column = static_cast<size_t>(pair.column);
    const int64_t representative = rows_.row(representatives[column]);
    if (floats_[column].empty()) {
      Read(representative);
      std::ranges::transform(halves_, std::back_inserter(floats_[column]), Float16ToFloat);
    }
    Read(row);
    AlikeRow alike = {row, 0};
    kernels_.dot_halves(floats_[column].data(), halves_.size(), halves_.data(), halves_.size(), 1,
                        &alike.score);
    if (alike.score < threshold_ || !accept_(representative, row)) return;
    is_taken_[static_cast<size_t>(row)] = true;
    ++taken_;
    block_groups_[column].push_back(alike);
  }

  void Read(int64_t row) {
    if (read_row_ == row) return;
    read_row_ = -1;
    vectors_.read(row, halves_);
    read_row_ = row;
  }

  void Finish(const std::vector<int64_t>& representatives) {
    for (size_t i = 0; i < representatives.size(); ++i) {
      if (block_groups_[i].empty()) continue;
      groups_.push_back({rows_.row(representatives[i]), std::move(block_groups_[i])});
    }
  }

  const ComputeRuntime& runtime_;
  const Kernels& kernels_;
  const ComparedVectors& vectors_;
  const float threshold_;
  const std::function<bool(int64_t, int64_t)>& accept_;
  ByteRows rows_;
  std::vector<bool> is_taken_;  // by row
  int64_t taken_ = 0;
  std::vector<AlikeGroup> groups_;
  // Of the block, by column:
  std::vector<std::vector<AlikeRow>> block_groups_;
  std::vector<std::vector<float>> floats_;  // of representatives that were asked for
  // The row that was read last:
  std::vector<uint16_t> halves_;
  int64_t read_row_ = -1;
};

}  // namespace

std::vector<AlikeGroup> GroupByRepresentative(
    const ComputeRuntime& runtime, const ComparedVectors& vectors, float threshold,
    const std::function<bool(int64_t representative, int64_t row)>& accept) {
  if (vectors.dimensions < 1 || vectors.dimensions > kMostDimensions) {
    throw Error(ErrorCode::kInvalidArgument, "dimensions: expected 1 to " +
                                                 std::to_string(kMostDimensions) + ", found " +
                                                 std::to_string(vectors.dimensions));
  }
  if (!std::isfinite(threshold)) {
    throw Error(ErrorCode::kInvalidArgument,
                "threshold: expected a finite number, found " + std::to_string(threshold));
  }
  return Grouping(runtime, vectors, threshold, accept).Run();
}

}  // namespace siglip
