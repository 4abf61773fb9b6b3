// Kernels for any 64-bit Arm: NEON with what the first version of ARMv8 has.
#include <arm_neon.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/elementwise.h"
#include "kernels/isa/neon_bytes.h"
#include "kernels/isa/neon_tile.h"
#include "kernels/isa/neon_vector.h"
#include "kernels/isa/search.h"

inline void StoreInOrder(Register words, float* out) {
  asm volatile("str %q1, %0" : "=m"(*(MemoryVector*)out) : "w"(words));
}

/// The products with panel word `kWord` of those whose floats are in registers, two to a word.
template <int kWord, int kRows>
[[gnu::always_inline]] inline void WideningStep(Register (&sums)[kRows][kPanelVectors],
                                                const Register (&floats)[kRows],
                                                const uint32_t* panel, float* widened) {
  panel += kWord * kPanelColumns;
  widened += 2 * kWord * kPanelColumns;
#pragma GCC unroll 4
  for (int j = 0; j < kPanelVectors; ++j) {
    Register pairs;
    LoadInOrder(pairs, panel + 4 * j);
    Register low;
    asm volatile("shl %0.4s, %1.4s, #16" : "=w"(low) : "w"(pairs));
    StoreInOrder(low, widened + 4 * j);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      Float32Dot::Add<2 * kWord>(sums[row][j], low, floats[row]);
    }
    // The lower half cleared without a mask, for which there is no register.
    asm volatile("bic %0.4s, #0xFF" : "+w"(pairs));
    asm volatile("bic %0.4s, #0xFF, lsl #8" : "+w"(pairs));
    StoreInOrder(pairs, widened + kPanelColumns + 4 * j);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      Float32Dot::Add<2 * kWord + 1>(sums[row][j], pairs, floats[row]);
    }
  }
}

template <int kRows>
[[gnu::noinline]] void TileThatWidens(size_t words, const uint32_t* a, size_t a_stride,
                                      const uint32_t* panel, bool accumulate, float* c,
                                      size_t c_stride, float* widened) {
  Register sums[kRows][kPanelVectors];
  const uint32_t* rows[kRows];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) rows[row] = a + row * a_stride;
  BeginSums(sums, accumulate, c, c_stride);
  Register floats[kRows];
  size_t k = 0;
  for (; k + 2 <= words; k += 2, panel += 2 * kPanelColumns, widened += 4 * kPanelColumns) {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      LoadInOrder(floats[row], rows[row]);
      rows[row] += 4;
    }
    WideningStep<0>(sums, floats, panel, widened);
    WideningStep<1>(sums, floats, panel, widened);
  }
  if (k < words) {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      floats[row] = vcombine_u32(vld1_u32(rows[row]), vdup_n_u32(0));
    }
    WideningStep<0>(sums, floats, panel, widened);
  }
  StoreAllSums(sums, c, c_stride);
}

/// A WideningTile.
void WideningTileOf(int rows, size_t words, const uint32_t* a, size_t a_stride,
                    const uint32_t* panel, bool accumulate, float* c, size_t c_stride,
                    float* widened) {
  WithRows<kTileRows>(rows, [&](auto count) {
    TileThatWidens<decltype(count)::kValue>(words, a, a_stride, panel, accumulate, c, c_stride,
                                            widened);
  });
}

/// Signed bytes: their 16-bit products, at most 2^14, are added in pairs to sums of 32 bits.
struct WidenedInt8Dot {
  static constexpr int kValuesPerWord = 2;
  /// Of the lower eight bytes.
  template <int /*kLane*/>
  static void Add(Register& sums, Register panel, Register words) {
    Register products;
    asm volatile(
        "smull %1.8h, %2.8b, %3.8b\n\t"
        "sadalp %0.4s, %1.8h"
        : "+w"(sums), "=&w"(products)
        : "w"(panel), "w"(words));
  }
  static void AddUpper(Register& sums, Register panel, Register words) {
    Register products;
    asm volatile(
        "smull2 %1.8h, %2.16b, %3.16b\n\t"
        "sadalp %0.4s, %1.8h"
        : "+w"(sums), "=&w"(products)
        : "w"(panel), "w"(words));
  }
};

/// Each column has two sums, which are added together in the end: the accumulators of three rows
/// fill the registers.
constexpr int kInt8Rows = 3;

template <int kRows>
[[gnu::noinline]] void Int8Tile(size_t depth, const uint32_t* a, size_t a_stride,
                                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                                const uint32_t* prefetch) {
  Register sums[kRows][kPanelVectors][2];
  const uint32_t* rows[kRows];
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row) {
    rows[row] = a + row * a_stride;
#pragma GCC unroll 4
    for (int j = 0; j < kPanelVectors; ++j) sums[row][j][0] = sums[row][j][1] = vdupq_n_u32(0);
  }
  for (size_t k = 0; k < depth; ++k, panel += kPanelColumns, prefetch += kPrefetchWords) {
    __builtin_prefetch(prefetch, 0, 2);
    Register words[kRows];
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) {
      asm volatile("ld1r {%0.4s}, %1" : "=w"(words[row]) : "Q"(*rows[row]));
      ++rows[row];
    }
#pragma GCC unroll 4
    for (int j = 0; j < kPanelVectors; ++j) {
      Register columns;
      LoadInOrder(columns, panel + 4 * j);
#pragma GCC unroll 4
      for (int row = 0; row < kRows; ++row) {
        WidenedInt8Dot::Add<0>(sums[row][j][0], columns, words[row]);
        WidenedInt8Dot::AddUpper(sums[row][j][1], columns, words[row]);
      }
    }
  }
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kPanelVectors; ++j) {
      const size_t lane = row * c_stride + 4 * j;
      const Register total = vpaddq_u32(sums[row][j][0], sums[row][j][1]);
      StoreSums(accumulate ? vaddq_u32(total, LoadSums(c, lane)) : total, c, lane);
    }
  }
}

void Int8TileOf(int rows, int /*columns*/, size_t depth, const uint32_t* a, size_t a_stride,
                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                const uint32_t* prefetch) {
  for (; rows > 0; rows -= kInt8Rows) {
    WithRows<kInt8Rows>(rows, [&](auto count) {
      Int8Tile<decltype(count)::kValue>(depth, a, a_stride, panel, accumulate, c, c_stride,
                                        prefetch);
    });
    a += kInt8Rows * a_stride;
    c = (int32_t*)c + kInt8Rows * c_stride;
  }
}

struct QueriedBytes : SignedBytes {
  static void Add(Sum& sum, Query query, const int8_t* bytes) {
    const int8x16_t row = Load(bytes);
    sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(query), vget_low_s8(row)));
    sum = vpadalq_s16(sum, vmull_high_s8(query, row));
  }
};

struct QueriedHalves {
  struct Sums {
    float32x4_t v[4];
  };
  using Query = Sums;
  static Sums Zero() {
    const float32x4_t zero = vdupq_n_f32(0.0F);
    return {{zero, zero, zero, zero}};
  }
  static Query Load(const float* query) {
    return {{vld1q_f32(query), vld1q_f32(query + 4), vld1q_f32(query + 8), vld1q_f32(query + 12)}};
  }
  static void Add(Sums& sums, const Query& query, const uint16_t* halves) {
    const float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(halves));
    const float16x8_t high = vreinterpretq_f16_u16(vld1q_u16(halves + 8));
    sums.v[0] = vfmaq_f32(sums.v[0], query.v[0], vcvt_f32_f16(vget_low_f16(low)));
    sums.v[1] = vfmaq_f32(sums.v[1], query.v[1], vcvt_high_f32_f16(low));
    sums.v[2] = vfmaq_f32(sums.v[2], query.v[2], vcvt_f32_f16(vget_low_f16(high)));
    sums.v[3] = vfmaq_f32(sums.v[3], query.v[3], vcvt_high_f32_f16(high));
  }
  static Sums KeepFirst(const Sums& sums, size_t n, const Sums& others) {
    static const uint32_t kLanes[kPartialSums] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                  8, 9, 10, 11, 12, 13, 14, 15};
    Sums kept;
    for (size_t i = 0; i < 4; ++i) {
      const uint32x4_t is_kept = vcltq_u32(vld1q_u32(kLanes + 4 * i), vdupq_n_u32((uint32_t)n));
      kept.v[i] = vbslq_f32(is_kept, sums.v[i], others.v[i]);
    }
    return kept;
  }
  static float Total(const Sums& sums) {
    return Vector::SumOfFour(
        vaddq_f32(vaddq_f32(sums.v[0], sums.v[2]), vaddq_f32(sums.v[1], sums.v[3])));
  }
};

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector, kPanelColumns>();
  for (int& rows : kernels.tile_rows) rows = kTileRows;
  // Some of these CPUs have 512 KiB of L2 cache.
  kernels.slice_words = 512;
  kernels.block_words = int64_t{64} << 10;
  kernels.widening_tile = WideningTileOf;
  kernels.gemm_tile[(int)OperandType::kFloat32] = GemmTileOf<Float32Dot>;
  kernels.gemm_tile[(int)OperandType::kInt8] = Int8TileOf;
  kernels.peak[(int)OperandType::kFloat32] = PeakOf<Float32Dot>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<Float32Dot>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<WidenedInt8Dot>;
  kernels.dot_bytes = DotBytesOf<QueriedBytes>;
  kernels.dot_halves = DotHalvesOf<QueriedHalves>;
  return kernels;
}

}  // namespace

const Kernels& NeonKernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
