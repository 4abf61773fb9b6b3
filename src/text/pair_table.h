// A hash table from pairs of ids to ranks, for the inner loop of byte pair encoding.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace siglip {

class PairTable {
 public:
  static constexpr uint32_t kNoRank = UINT32_MAX;

  /// Room for this many pairs.
  explicit PairTable(size_t pairs)
      : entries_(std::bit_ceil(pairs + pairs / 2 + 1)),
        shift_(64 - std::countr_zero(entries_.size())) {}

  /// A pair set twice keeps the later rank. Ids are not negative.
  void Set(int32_t left, int32_t right, uint32_t rank) {
    Entry& entry = entries_[Slot(left, right)];
    entry = {left, right, rank};
  }

  uint32_t Find(int32_t left, int32_t right) const { return entries_[Slot(left, right)].rank; }

 private:
  struct Entry {
    int32_t left = -1;
    int32_t right = -1;
    uint32_t rank = kNoRank;
  };

  /// Where the pair is, or the empty entry where it would be.
  size_t Slot(int32_t left, int32_t right) const {
    // Fibonacci hashing: the upper bits of a product with 2^64 divided by the golden ratio.
    const uint64_t key =
        static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
    uint64_t hash = key * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15U;
    size_t slot = shift_ == 64 ? 0 : hash >> shift_;
    while (entries_[slot].rank != kNoRank &&
           (entries_[slot].left != left || entries_[slot].right != right)) {
      slot = (slot + 1) & (entries_.size() - 1);
    }
    return slot;
  }

  std::vector<Entry> entries_;
  int shift_;
};

}  // namespace siglip
