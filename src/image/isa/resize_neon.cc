// Resizing on 64-bit Arm. See resize_kernels.h for why nothing else is included.
#include <arm_neon.h>

#include "image/resize_kernels.h"

namespace siglip {
namespace {

enum { kRowsAtOnce = 4 };

/// Sums of the products with the weights: of all their bits, or with `split` of the low and the
/// high part apart. int32 arithmetic wraps, so that putting the parts together is exact.
struct Sums {
  int32x4_t low;
  int32x4_t high;
};

inline Sums Zero() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }

template <bool kSplit>
inline int32x4_t Finish(const Sums& sums, int32x4_t half, int32x4_t shift) {
  int32x4_t total = vaddq_s32(sums.low, half);
  if (kSplit) total = vaddq_s32(total, vshlq_n_s32(sums.high, kResizeLowBits));
  return vshlq_s32(total, shift);
}

inline int16x8_t Widen(uint8x8_t bytes) { return vreinterpretq_s16_u16(vmovl_u8(bytes)); }

/// Eight pixels of one channel.
template <bool kSplit>
inline void Accumulate(Sums* sums, uint8x8_t bytes, int16x8_t low, int16x8_t high) {
  const int16x8_t pixels = Widen(bytes);
  sums->low = vmlal_s16(sums->low, vget_low_s16(pixels), vget_low_s16(low));
  sums->low = vmlal_high_s16(sums->low, pixels, low);
  if (kSplit) {
    sums->high = vmlal_s16(sums->high, vget_low_s16(pixels), vget_low_s16(high));
    sums->high = vmlal_high_s16(sums->high, pixels, high);
  }
}

inline int32x4_t AddLanes(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
  return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

/// `kRows` rows share the loads of the weights.
template <int kRows, bool kSplit>
void HorizontalRows(const ResizeTaps* taps, const uint8_t* const* in_rows, uint8_t* const* out_rows,
                    int outputs) {
  const int32x4_t half = vdupq_n_s32(1 << (taps->shift - 1));
  const int32x4_t shift = vdupq_n_s32(-taps->shift);
  for (int i = 0; i < outputs; ++i) {
    const int64_t offset = 3 * (int64_t)taps->start[i];
    const int16_t* low = taps->low + (int64_t)i * taps->stride;
    const int16_t* high = kSplit ? taps->high + (int64_t)i * taps->stride : low;
    Sums sums[3][kRowsAtOnce];
    for (int channel = 0; channel < 3; ++channel) {
      for (int row = 0; row < kRowsAtOnce; ++row) sums[channel][row] = Zero();
    }
    for (int j = 0; j < taps->count[i]; j += 8) {
      const int16x8_t low_weights = vld1q_s16(low + j);
      const int16x8_t high_weights = vld1q_s16(high + j);
      for (int row = 0; row < kRows; ++row) {
        const uint8x8x3_t pixels = vld3_u8(in_rows[row] + offset + 3 * j);
        for (int channel = 0; channel < 3; ++channel) {
          Accumulate<kSplit>(&sums[channel][row], pixels.val[channel], low_weights, high_weights);
        }
      }
    }
    for (int channel = 0; channel < 3; ++channel) {
      const Sums* const s = sums[channel];
      const Sums total = {AddLanes(s[0].low, s[1].low, s[2].low, s[3].low),
                          AddLanes(s[0].high, s[1].high, s[2].high, s[3].high)};
      uint16_t values[kRowsAtOnce];
      vst1_u16(values, vqmovun_s32(Finish<kSplit>(total, half, shift)));
      for (int row = 0; row < kRows; ++row) {
        out_rows[row][3 * i + channel] = (uint8_t)(values[row] > 255 ? 255 : values[row]);
      }
    }
  }
}

template <bool kSplit>
void HorizontalPass(const ResizeTaps* taps, const uint8_t* const* in_rows, uint8_t* const* out_rows,
                    int rows, int outputs) {
  int row = 0;
  for (; row + kRowsAtOnce <= rows; row += kRowsAtOnce) {
    HorizontalRows<kRowsAtOnce, kSplit>(taps, in_rows + row, out_rows + row, outputs);
  }
  for (; row < rows; ++row) {
    HorizontalRows<1, kSplit>(taps, in_rows + row, out_rows + row, outputs);
  }
}

void Horizontal(const ResizeTaps* taps, const uint8_t* const* in_rows, uint8_t* const* out_rows,
                int rows, int outputs) {
  if (taps->high != nullptr) {
    HorizontalPass<true>(taps, in_rows, out_rows, rows, outputs);
  } else {
    HorizontalPass<false>(taps, in_rows, out_rows, rows, outputs);
  }
}

/// 16 columns.
template <bool kSplit>
inline void VerticalBlock(const ResizeTaps* taps, int output, const uint8_t* const* in_rows,
                          int64_t column, uint8_t* out) {
  const int16_t* low = taps->low + (int64_t)output * taps->stride;
  const int16_t* high = kSplit ? taps->high + (int64_t)output * taps->stride : low;
  Sums sums[4];
  for (int k = 0; k < 4; ++k) sums[k] = Zero();
  for (int j = 0; j < taps->count[output]; ++j) {
    const uint8x16_t bytes = vld1q_u8(in_rows[j] + column);
    const int16x8_t pixels[2] = {Widen(vget_low_u8(bytes)), Widen(vget_high_u8(bytes))};
    for (int k = 0; k < 2; ++k) {
      const int16x4_t first = vget_low_s16(pixels[k]);
      const int16x4_t second = vget_high_s16(pixels[k]);
      sums[2 * k].low = vmlal_n_s16(sums[2 * k].low, first, low[j]);
      sums[2 * k + 1].low = vmlal_n_s16(sums[2 * k + 1].low, second, low[j]);
      if (kSplit) {
        sums[2 * k].high = vmlal_n_s16(sums[2 * k].high, first, high[j]);
        sums[2 * k + 1].high = vmlal_n_s16(sums[2 * k + 1].high, second, high[j]);
      }
    }
  }
  const int32x4_t half = vdupq_n_s32(1 << (taps->shift - 1));
  const int32x4_t shift = vdupq_n_s32(-taps->shift);
  uint16x4_t values[4];
  for (int k = 0; k < 4; ++k) values[k] = vqmovun_s32(Finish<kSplit>(sums[k], half, shift));
  vst1q_u8(out, vcombine_u8(vqmovn_u16(vcombine_u16(values[0], values[1])),
                            vqmovn_u16(vcombine_u16(values[2], values[3]))));
}

template <bool kSplit>
void VerticalPass(const ResizeTaps* taps, int output, const uint8_t* const* in_rows,
                  uint8_t* out_row, int64_t bytes) {
  int64_t column = 0;
  for (; column + 16 <= bytes; column += 16) {
    VerticalBlock<kSplit>(taps, output, in_rows, column, out_row + column);
  }
  if (column == bytes) return;
  if (bytes >= 16) {  // the last block overlaps the one before
    VerticalBlock<kSplit>(taps, output, in_rows, bytes - 16, out_row + bytes - 16);
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

const ResizeKernels* NeonResizeKernels() { return &kKernels; }

}  // namespace siglip
