// Resizing with AVX-512 (F, BW, DQ, VL). See resize_kernels.h for why nothing else is included.
#include <immintrin.h>
#include <string.h>

#include "image/resize_kernels.h"

namespace siglip {
namespace {

// 32 registers.
enum { kRowsAtOnce = 8, kRowsAtOnceSplit = 8 };
#include "image/isa/resize_horizontal_256.inc"

/// As Sums, of 512 bits.
struct WideSums {
  __m512i low;
  __m512i high;
};

/// Both weights of a pair of rows in every lane.
inline __m512i PairOfWeights(const int16_t* weights) {
  int32_t pair;
  memcpy(&pair, weights, sizeof pair);
  return _mm512_set1_epi32(pair);
}

/// The columns of `mask`, up to 64.
template <bool kSplit>
inline void VerticalBlock(const ResizeTaps* taps, int output, const uint8_t* const* in_rows,
                          int64_t column, __mmask64 mask, uint8_t* out) {
  const int16_t* low = taps->low + (int64_t)output * taps->stride;
  const int16_t* high = kSplit ? taps->high + (int64_t)output * taps->stride : low;
  const int count = taps->count[output];
  const __m512i zero = _mm512_setzero_si512();
  WideSums sums[4];
  for (int k = 0; k < 4; ++k) sums[k].low = sums[k].high = zero;
  for (int j = 0; j < count; j += 2) {
    const __m512i a = _mm512_maskz_loadu_epi8(mask, in_rows[j] + column);
    // After an odd count the weight is zero: any row will do.
    const uint8_t* next = in_rows[j + 1 < count ? j + 1 : j];
    const __m512i b = _mm512_maskz_loadu_epi8(mask, next + column);
    const __m512i first = _mm512_unpacklo_epi8(a, b);
    const __m512i second = _mm512_unpackhi_epi8(a, b);
    const __m512i pairs[4] = {_mm512_unpacklo_epi8(first, zero), _mm512_unpackhi_epi8(first, zero),
                              _mm512_unpacklo_epi8(second, zero),
                              _mm512_unpackhi_epi8(second, zero)};
    const __m512i low_weights = PairOfWeights(low + j);
    const __m512i high_weights = PairOfWeights(high + j);
    for (int k = 0; k < 4; ++k) {
      sums[k].low = _mm512_add_epi32(sums[k].low, _mm512_madd_epi16(pairs[k], low_weights));
      if (!kSplit) continue;
      sums[k].high = _mm512_add_epi32(sums[k].high, _mm512_madd_epi16(pairs[k], high_weights));
    }
  }
  const __m512i half = _mm512_set1_epi32(1 << (taps->shift - 1));
  const __m128i shift = _mm_cvtsi32_si128(taps->shift);
  __m512i values[4];
  for (int k = 0; k < 4; ++k) {
    __m512i total = _mm512_add_epi32(sums[k].low, half);
    if (kSplit) {
      total = _mm512_add_epi32(total, _mm512_slli_epi32(sums[k].high, kResizeLowBits));
    }
    values[k] = _mm512_sra_epi32(total, shift);
  }
  // Packing undoes the order that unpacking made.
  const __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(values[0], values[1]),
                                            _mm512_packs_epi32(values[2], values[3]));
  _mm512_mask_storeu_epi8(out, mask, bytes);
}

template <bool kSplit>
void VerticalPass(const ResizeTaps* taps, int output, const uint8_t* const* in_rows,
                  uint8_t* out_row, int64_t bytes) {
  for (int64_t column = 0; column < bytes; column += 64) {
    const int64_t left = bytes - column;
    const __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
    VerticalBlock<kSplit>(taps, output, in_rows, column, mask, out_row + column);
  }
}

void Vertical(const ResizeTaps* taps, int output, const uint8_t* const* in_rows, uint8_t* out_row,
              int64_t bytes) {
  if (taps->high != nullptr) {
    VerticalPass<true>(taps, output, in_rows, out_row, bytes);
  } else {
    VerticalPass<false>(taps, output, in_rows, out_row, bytes);
  }
}

const ResizeKernels kKernels = {Horizontal, Vertical};

}  // namespace

const ResizeKernels* Avx512ResizeKernels() { return &kKernels; }

}  // namespace siglip
