// Kernels for 64-bit Arm with I8MM and BF16: those of DotProd, with products of small matrices, two
// rows by two columns, eight bytes or four bfloat16 deep. So panels hold two words of a column side
// by side.
#include <arm_neon.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/neon_tile.h"

/// sums += two rows times two columns, two words deep. Sums lie row by row.
struct Int8Product {
  static constexpr int kValuesPerWord = 8;  // of each of the four sums
  template <int /*kLane*/ = 0>
  static void Add(Register& sums, Register columns, Register rows) {
    asm volatile("smmla %0.4s, %1.16b, %2.16b" : "+w"(sums) : "w"(rows), "w"(columns));
  }
};

struct BFloat16Product {
  static constexpr int kValuesPerWord = 4;
  template <int /*kLane*/ = 0>
  static void Add(Register& sums, Register columns, Register rows) {
    asm volatile("bfmmla %0.4s, %1.8h, %2.8h" : "+w"(sums) : "w"(rows), "w"(columns));
  }
};

constexpr int kStepWords = 2;
/// Vectors of two columns in a panel.
constexpr int kColumnPairs = kPanelColumns / 2;

struct RowPair {
  const uint32_t* upper;
  const uint32_t* lower;  // the same where there is no second row
};

using WordPair = uint32x2_t;
typedef WordPair MemoryPair __attribute__((aligned(4), may_alias));

/// Two words of each row, side by side.
inline void LoadRows(Register& out, RowPair& rows) {
  asm volatile("ldr %d0, %1" : "=w"(out) : "m"(*(const MemoryPair*)rows.upper));
  asm volatile("ld1 {%0.d}[1], %1" : "+w"(out) : "Q"(*(const MemoryPair*)rows.lower));
  rows.upper += kStepWords;
  rows.lower += kStepWords;
}

template <int kRows>
constexpr int LowerRowOf(int pair) {
  return 2 * pair + 1 < kRows ? 2 * pair + 1 : 2 * pair;
}

template <class Product, int kRows>
[[gnu::noinline]] void PairTile(size_t depth, const uint32_t* a, size_t a_stride,
                                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                                const uint32_t* prefetch) {
  constexpr int kPairs = (kRows + 1) / 2;
  Register sums[kPairs][kColumnPairs];
  RowPair pairs[kPairs];
  uint32_t* const out = (uint32_t*)c;
#pragma GCC unroll 4
  for (int pair = 0; pair < kPairs; ++pair) {
    const size_t upper = 2 * pair;
    const size_t lower = LowerRowOf<kRows>(pair);
    pairs[pair] = {a + upper * a_stride, a + lower * a_stride};
#pragma GCC unroll 8
    for (int j = 0; j < kColumnPairs; ++j) {
      sums[pair][j] = accumulate ? vcombine_u32(vld1_u32(out + upper * c_stride + 2 * j),
                                                vld1_u32(out + lower * c_stride + 2 * j))
                                 : vdupq_n_u32(0);
    }
  }
  Register rows[kPairs];
  Register columns[2];
  size_t k = 0;
  for (; k + kStepWords <= depth; k += kStepWords) {
    __builtin_prefetch(prefetch, 0, 2);  // into the L2 cache
    prefetch += kStepWords * kPrefetchWords;
#pragma GCC unroll 4
    for (int pair = 0; pair < kPairs; ++pair) LoadRows(rows[pair], pairs[pair]);
    LoadInOrder(columns[0], panel);
#pragma GCC unroll 8
    for (int j = 0; j < kColumnPairs; ++j) {
      if (j + 1 < kColumnPairs) LoadInOrder(columns[(j + 1) % 2], panel + 4 * (j + 1));
#pragma GCC unroll 4
      for (int pair = 0; pair < kPairs; ++pair) {
        Product::Add(sums[pair][j], columns[j % 2], rows[pair]);
      }
    }
    panel += kStepWords * kPanelColumns;
  }
  if (k < depth) {
    // The second word of a row belongs to others, that of a column to nobody: neither need be a
    // number.
    const WordPair zero = vdup_n_u32(0);
    const Register first_words = vreinterpretq_u32_u64(vdupq_n_u64(0xFFFFFFFFU));
#pragma GCC unroll 4
    for (int pair = 0; pair < kPairs; ++pair) {
      rows[pair] = vcombine_u32(vld1_lane_u32(pairs[pair].upper, zero, 0),
                                vld1_lane_u32(pairs[pair].lower, zero, 0));
    }
#pragma GCC unroll 8
    for (int j = 0; j < kColumnPairs; ++j) {
      const Register filled = vandq_u32(vld1q_u32(panel + 4 * j), first_words);
#pragma GCC unroll 4
      for (int pair = 0; pair < kPairs; ++pair) Product::Add(sums[pair][j], filled, rows[pair]);
    }
  }
#pragma GCC unroll 4
  for (int pair = 0; pair < kPairs; ++pair) {
    const size_t upper = 2 * pair;
    const size_t lower = LowerRowOf<kRows>(pair);
#pragma GCC unroll 8
    for (int j = 0; j < kColumnPairs; ++j) {
      vst1_u32(out + upper * c_stride + 2 * j, vget_low_u32(sums[pair][j]));
      if (lower != upper) vst1_u32(out + lower * c_stride + 2 * j, vget_high_u32(sums[pair][j]));
    }
  }
}

/// A GemmTile; all columns of a panel are computed, however many are wanted.
template <class Product>
void PairTileOf(int rows, int /*columns*/, size_t depth, const uint32_t* a, size_t a_stride,
                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                const uint32_t* prefetch) {
  WithRows<kTileRows>(rows, [&](auto count) {
    PairTile<Product, decltype(count)::kValue>(depth, a, a_stride, panel, accumulate, c, c_stride,
                                               prefetch);
  });
}

Kernels MakeKernels() {
  Kernels kernels = NeonDotKernels();
  kernels.multiplies_bfloat16 = true;
  kernels.gemm_tile[(int)OperandType::kBFloat16] = PairTileOf<BFloat16Product>;
  kernels.gemm_tile[(int)OperandType::kInt8] = PairTileOf<Int8Product>;
  kernels.column_words[(int)OperandType::kBFloat16] = kStepWords;
  kernels.column_words[(int)OperandType::kInt8] = kStepWords;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<BFloat16Product>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Int8Product>;
  return kernels;
}

}  // namespace

const Kernels& NeonMmlaKernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
