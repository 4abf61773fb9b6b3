// The contents whose vectors have the highest scores with a query: exactly those of a full
// comparison, in order and to the bit, though few vectors are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "index/scan_file.h"
#include "kernels/compute_runtime.h"

namespace siglip {

/// A hit: the score is that of Kernels::dot_halves, a cosine if both vectors are of norm 1.
struct ScoredContent {
  int64_t id;
  float score;

  friend bool operator==(const ScoredContent&, const ScoredContent&) = default;
};

/// Whether `a` comes before `b`: higher scores first, of equal ones the lower id.
inline bool ComesBefore(const ScoredContent& a, const ScoredContent& b) {
  return a.score != b.score ? a.score > b.score : a.id < b.id;
}

/// A set of content ids, a bit for each up to the largest.
class ContentFilter {
 public:
  static constexpr int64_t kMostId = int64_t{1} << 32;

  /// Throws Error(kLimitExceeded) for an id that is not in [1, kMostId].
  void Add(int64_t id);
  bool Contains(int64_t id) const {
    const auto place = static_cast<uint64_t>(id);
    return place / 64 < words_.size() && (words_[place / 64] >> (place % 64) & 1U) != 0;
  }

 private:
  std::vector<uint64_t> words_;
};

/// Fills `halves` with the vector of a content; false where there is no such content (any more).
using ReadHalves = std::function<bool(int64_t id, std::span<uint16_t> halves)>;

/// All vectors of an index; no content is in both parts.
struct SearchedVectors {
  int64_t dimensions;
  /// Null where there is none that can be used.
  const ScanFile* scan_file = nullptr;
  /// Vectors that are in memory, of any ids: [held_ids.size(), dimensions] binary16 numbers.
  std::span<const int64_t> held_ids;
  std::span<const uint16_t> held_halves;
  /// Asked for contents of the scan file whose score may be high enough, by the calling thread.
  /// What it throws ends the search.
  ReadHalves read;
};

/// The k best of the contents in `filter`, all contents where that is null; fewer only if there are
/// no more. Scores are query.x: a query that is not of norm 1 multiplies them. The scan file is
/// read once on all threads, and once more if contents among its best have no vector; a good filter
/// leaves those out. Memory: 16 bytes per record whose score may be among the best, few thousands
/// but for vectors that are nearly all alike.
///
/// Throws Error(kInvalidArgument) as RoundedQuery does, Error(kMismatch) for other dimensions than
/// `vectors` has, and Error(kMalformedFile) for a vector that is not finite.
std::vector<ScoredContent> ExactSearch(const ComputeRuntime& runtime,
                                       const SearchedVectors& vectors, std::span<const float> query,
                                       size_t k, const ContentFilter* filter = nullptr);

}  // namespace siglip
