// Products by a tile of AMX beside plain arithmetic: what the self-test, the tests and the program
// without an operating system (scripts/amx_bochs) have in common.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"

namespace siglip {

/// Pseudo-random operands of one type, the same wherever they are made, and a hash of all that was
/// made of them.
class AmxCases {
 public:
  static constexpr int kRows = 32;
  static constexpr int kColumns = 32;
  static constexpr size_t kMostDepth = 200;

  /// Bits of the panel that `panel_bits` lacks are zero: 0x7F7F7F7F leaves bytes without a sign.
  explicit AmxCases(OperandType type, uint32_t panel_bits = ~uint32_t{0})
      : type_(type), panel_bits_(panel_bits) {}

  /// Multiplies so many rows, at most kRows, by a whole panel and by half of one; `depth` is at
  /// most kMostDepth. Returns how many sums are wrong: bytes must be exact, and bfloat16 no
  /// farther from the sum in double than 1e-6 of the sum of magnitudes.
  int CountWrong(GemmTile tile, int rows, size_t depth, bool accumulate) {
    Fill(depth);
    uint32_t sums[kRows][kColumns];
    uint32_t left_sums[kRows][kColumns];
    memcpy(sums, begin_, sizeof(sums));
    memcpy(left_sums, begin_, sizeof(left_sums));
    const uint32_t* const a = words_ + kMisalignment;
    const uint32_t* const panel = panel_ + kMisalignment;
    tile(rows, kColumns, depth, a, kStride, panel, accumulate, sums, kColumns, panel);
    tile(rows, kColumns / 2, depth, a, kStride, panel, accumulate, left_sums, kColumns, panel);
    int wrong = 0;
    for (int row = 0; row < kRows; ++row) {
      for (int column = 0; column < kColumns; ++column) {
        const uint32_t begin = begin_[row][column];
        const uint32_t sum = sums[row][column];
        const bool is_wanted = row < rows;
        const bool is_right = is_wanted ? IsRight(a + row * kStride, panel + column, depth,
                                                  accumulate ? begin : 0, sum)
                                        : sum == begin;
        const bool is_half_right =
            left_sums[row][column] == (is_wanted && column < kColumns / 2 ? sum : begin);
        wrong += is_right && is_half_right ? 0 : 1;
        Hash(sum);
      }
    }
    return wrong;
  }

  /// Of every height, of depths with all kinds of rests, and of sums that begin or go on: 512
  /// products. Returns how many sums are wrong.
  int CountWrongOfAll(GemmTile tile) {
    int wrong = 0;
    for (int rows = 1; rows <= kRows; ++rows) {
      for (const size_t depth : kDepths) {
        wrong += CountWrong(tile, rows, depth, false) + CountWrong(tile, rows, depth, true);
      }
    }
    return wrong;
  }

  /// Of all sums so far (FNV-1a).
  uint32_t hash() const { return hash_; }

 private:
  static constexpr size_t kDepths[] = {1, 7, 16, 33, 47, 98, 160, kMostDepth};
  static constexpr size_t kMisalignment = 1;  // in words
  static constexpr size_t kStride = kMostDepth + 3;

  /// Xorshift.
  uint32_t Random() {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 17U;
    random_ ^= random_ << 5U;
    return random_;
  }

  /// A word of an operand: bytes of all values, or bfloat16 whose magnitudes reach from 2^-7 to 2.
  uint32_t RandomWord() {
    return type_ == OperandType::kInt8 ? Random() : (Random() & 0x83FF83FFU) | 0x3C003C00U;
  }

  void Fill(size_t depth) {
    for (uint32_t& word : words_) word = RandomWord();
    for (size_t i = 0; i < depth * kColumns + kMisalignment; ++i) {
      panel_[i] = RandomWord() & panel_bits_;
    }
    for (auto& row : begin_) {
      for (uint32_t& sum : row) {
        sum = type_ == OperandType::kInt8 ? Random() : (Random() & 0x83FFFFFFU) | 0x3C000000U;
      }
    }
  }

  bool IsRight(const uint32_t* a, const uint32_t* column, size_t depth, uint32_t begin,
               uint32_t found) const {
    if (type_ == OperandType::kInt8) {
      uint32_t sum = begin;
      for (size_t k = 0; k < depth; ++k) {
        for (int shift = 0; shift < 32; shift += 8) {
          const int weight = static_cast<int8_t>(column[k * kColumns] >> shift);
          sum += static_cast<uint32_t>(static_cast<uint8_t>(a[k] >> shift) * weight);
        }
      }
      return found == sum;
    }
    double sum = FloatOf(begin);
    double magnitude = Magnitude(sum);
    for (size_t k = 0; k < depth; ++k) {
      for (uint32_t shift = 0; shift < 32; shift += 16) {
        const double product = FloatOf((a[k] << shift) & 0xFFFF0000U) *
                               FloatOf((column[k * kColumns] << shift) & 0xFFFF0000U);
        sum += product;
        magnitude += Magnitude(product);
      }
    }
    return Magnitude(FloatOf(found) - sum) <= 1e-6 * magnitude;  // false for what is no number
  }

  static double FloatOf(uint32_t bits) {
    float value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
  }
  static double Magnitude(double x) { return x < 0 ? -x : x; }

  void Hash(uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) {
      hash_ = (hash_ ^ (word >> shift & 0xFFU)) * 16777619U;
    }
  }

  OperandType type_;
  uint32_t panel_bits_;
  uint32_t random_ = 2463534242U;
  uint32_t hash_ = 2166136261U;
  uint32_t words_[kMisalignment + kRows * kStride];
  uint32_t panel_[kMisalignment + kMostDepth * kColumns];
  uint32_t begin_[kRows][kColumns];
};

}  // namespace siglip
