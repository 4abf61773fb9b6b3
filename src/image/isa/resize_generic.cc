// Resizing without vector instructions.
#include "image/resize_kernels.h"

namespace siglip {
namespace {

inline uint8_t Finish(int32_t sum, int shift) {
  const int32_t value = sum >> shift;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void Horizontal(const ResizeTaps* taps, const uint8_t* const* in_rows, uint8_t* const* out_rows,
                int rows, int outputs) {
  const int32_t half = 1 << (taps->shift - 1);
  for (int row = 0; row < rows; ++row) {
    uint8_t* out = out_rows[row];
    for (int i = 0; i < outputs; ++i, out += 3) {
      const uint8_t* in = in_rows[row] + 3 * (int64_t)taps->start[i];
      const int32_t* weights = taps->weights + (int64_t)i * taps->stride;
      int32_t red = half;
      int32_t green = half;
      int32_t blue = half;
      for (int j = 0; j < taps->count[i]; ++j, in += 3) {
        red += weights[j] * in[0];
        green += weights[j] * in[1];
        blue += weights[j] * in[2];
      }
      out[0] = Finish(red, taps->shift);
      out[1] = Finish(green, taps->shift);
      out[2] = Finish(blue, taps->shift);
    }
  }
}

void Vertical(const ResizeTaps* taps, int output, const uint8_t* const* in_rows, uint8_t* out_row,
              int64_t bytes) {
  enum { kBlock = 256 };  // sums that stay in the first-level cache
  const int32_t* weights = taps->weights + (int64_t)output * taps->stride;
  const int count = taps->count[output];
  for (int64_t begin = 0; begin < bytes; begin += kBlock) {
    const int size = bytes - begin < kBlock ? (int)(bytes - begin) : kBlock;
    int32_t sums[kBlock];
    for (int k = 0; k < size; ++k) sums[k] = 1 << (taps->shift - 1);
    for (int j = 0; j < count; ++j) {
      const uint8_t* in = in_rows[j] + begin;
      const int32_t weight = weights[j];
      for (int k = 0; k < size; ++k) sums[k] += weight * in[k];
    }
    for (int k = 0; k < size; ++k) out_row[begin + k] = Finish(sums[k], taps->shift);
  }
}

const ResizeKernels kKernels = {Horizontal, Vertical};

}  // namespace

const ResizeKernels* GenericResizeKernels() { return &kKernels; }

}  // namespace siglip
