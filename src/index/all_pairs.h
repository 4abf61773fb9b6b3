// Groups of vectors that are alike, found by comparing every pair exactly.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/compute_runtime.h"

namespace siglip {

/// Vectors of binary16 numbers, in the order in which they are visited.
struct ComparedVectors {
  int64_t rows;
  int64_t dimensions;  ///< In [1, kMostDimensions].
  /// Fills `halves` with a row; asked once for each row and again for those that may be alike, by
  /// the calling thread. What it throws ends the comparison.
  std::function<void(int64_t row, std::span<uint16_t> halves)> read;
};

struct AlikeRow {
  int64_t row;
  float score;  ///< With the representative, as Kernels::dot_halves has it.

  friend bool operator==(const AlikeRow&, const AlikeRow&) = default;
};

/// Each of `rows`, in ascending order and never empty, is alike to the representative; whether they
/// are to each other is another matter.
struct AlikeGroup {
  int64_t representative;
  std::vector<AlikeRow> rows;

  friend bool operator==(const AlikeGroup&, const AlikeGroup&) = default;
};

/// Visits rows in ascending order. One that is in no group yet takes into its own every later row
/// that is in none, whose score with it is at least `threshold` and that `accept` takes, which is
/// asked for no other pairs, by the calling thread. Returns the groups by their representatives.
///
/// All pairs are compared as bytes, on all threads, and those whose scores may reach the threshold
/// exactly. Memory: a byte per number, and some MiB however many rows are alike.
///
/// Throws Error(kInvalidArgument) for dimensions out of range, a threshold that is not finite or a
/// row that is not.
std::vector<AlikeGroup> GroupByRepresentative(
    const ComputeRuntime& runtime, const ComparedVectors& vectors, float threshold,
    const std::function<bool(int64_t representative, int64_t row)>& accept);

}  // namespace siglip
