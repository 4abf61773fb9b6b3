// Resizing with AVX2. See resize_kernels.h for why nothing else is included.
#include <immintrin.h>
#include <string.h>

#include "image/resize_kernels.h"

namespace siglip {
namespace {

// 16 registers.
enum { kRowsAtOnce = 4, kRowsAtOnceSplit = 2 };
#include "image/isa/resize_horizontal_256.inc"

/// Both weights of a pair of rows in every lane.
inline __m256i PairOfWeights(const int16_t* weights) {
  int32_t pair;
  memcpy(&pair, weights, sizeof pair);
  return _mm256_set1_epi32(pair);
}

/// 32 columns.
template <bool kSplit>
inline void VerticalBlock(const ResizeTaps* taps, int output, const uint8_t* const* in_rows,
                          int64_t column, uint8_t* out) {
  const int16_t* low = taps->low + (int64_t)output * taps->stride;
  const int16_t* high = kSplit ? taps->high + (int64_t)output * taps->stride : low;
  const int count = taps->count[output];
  const __m256i zero = _mm256_setzero_si256();
  Sums sums[4];
  for (int k = 0; k < 4; ++k) sums[k].low = sums[k].high = zero;
  for (int j = 0; j < count; j += 2) {
    const __m256i a = _mm256_loadu_si256((const __m256i*)(in_rows[j] + column));
    // After an odd count the weight is zero: any row will do.
    const uint8_t* next = in_rows[j + 1 < count ? j + 1 : j];
    const __m256i b = _mm256_loadu_si256((const __m256i*)(next + column));
    const __m256i first = _mm256_unpacklo_epi8(a, b);
    const __m256i second = _mm256_unpackhi_epi8(a, b);
    const __m256i pairs[4] = {_mm256_unpacklo_epi8(first, zero), _mm256_unpackhi_epi8(first, zero),
                              _mm256_unpacklo_epi8(second, zero),
                              _mm256_unpackhi_epi8(second, zero)};
    const __m256i low_weights = PairOfWeights(low + j);
    const __m256i high_weights = PairOfWeights(high + j);
    for (int k = 0; k < 4; ++k) Accumulate(&sums[k], pairs[k], low_weights, high_weights, kSplit);
  }
  const __m256i half = _mm256_set1_epi32(1 << (taps->shift - 1));
  const __m128i shift = _mm_cvtsi32_si128(taps->shift);
  __m256i values[4];
  for (int k = 0; k < 4; ++k) {
    __m256i total = _mm256_add_epi32(sums[k].low, half);
    if (kSplit) {
      total = _mm256_add_epi32(total, _mm256_slli_epi32(sums[k].high, kResizeLowBits));
    }
    values[k] = _mm256_sra_epi32(total, shift);
  }
  // Packing undoes the order that unpacking made.
  const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(values[0], values[1]),
                                            _mm256_packs_epi32(values[2], values[3]));
  _mm256_storeu_si256((__m256i*)out, bytes);
}

template <bool kSplit>
void VerticalPass(const ResizeTaps* taps, int output, const uint8_t* const* in_rows,
                  uint8_t* out_row, int64_t bytes) {
  int64_t column = 0;
  for (; column + 32 <= bytes; column += 32) {
    VerticalBlock<kSplit>(taps, output, in_rows, column, out_row + column);
  }
  if (column == bytes) return;
  if (bytes >= 32) {  // the last block overlaps the one before
    VerticalBlock<kSplit>(taps, output, in_rows, bytes - 32, out_row + bytes - 32);
    return;
  }
  const int32_t* weights = taps->weights + (int64_t)output * taps->stride;
  for (; column < bytes; ++column) {
    int32_t sum = 1 << (taps->shift - 1);
    for (int j = 0; j < taps->count[output]; ++j) sum += weights[j] * in_rows[j][column];
    sum >>= taps->shift;
    out_row[column] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
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

const ResizeKernels* Avx2ResizeKernels() { return &kKernels; }

}  // namespace siglip
