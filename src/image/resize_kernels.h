// The inner loops of resizing: what they are given, and one table of them per instruction set.
// Included by isa/*.cc: plain structs and C headers only, so that no function compiled for a wide
// instruction set can be linked into code meant for every CPU.
#pragma once

#include <stdint.h>

namespace siglip {

/// The quantised filter of one axis. Output i is the sum over j < count[i] of weight j of i times
/// input start[i] + j.
struct ResizeTaps {
  const int32_t* start;    ///< [outputs]
  const int32_t* count;    ///< [outputs], at least 1
  const int32_t* weights;  ///< [outputs, stride], zeros after count
  /// The same weights as int16, for multiply-add instructions of pairs. Weights of more than 16
  /// bits are split: weight = high * 2^kResizeLowBits + low. Otherwise `high` is null.
  const int16_t* high;  ///< [outputs, stride] or null
  const int16_t* low;   ///< [outputs, stride]
  int32_t stride;       ///< a multiple of 8
  int32_t shift;        ///< result = clamp((sum + 2^(shift-1)) >> shift, 0, 255)
};

enum {
  kResizeLowBits = 12,
  /// Bytes that must be readable after the last pixel of a horizontal pass' input row. Their values
  /// do not matter: they meet zero weights.
  kResizeRowSlack = 32
};

/// Resizes `rows` rows of interleaved RGB to `outputs` pixels each.
typedef void (*ResizeHorizontalKernel)(const ResizeTaps* taps, const uint8_t* const* in_rows,
                                       uint8_t* const* out_rows, int rows, int outputs);

/// Combines taps->count[output] rows of `bytes` bytes into one; in_rows[0] is row start[output].
typedef void (*ResizeVerticalKernel)(const ResizeTaps* taps, int output,
                                     const uint8_t* const* in_rows, uint8_t* out_row,
                                     int64_t bytes);

struct ResizeKernels {
  ResizeHorizontalKernel horizontal;
  ResizeVerticalKernel vertical;
};

const ResizeKernels* GenericResizeKernels();
const ResizeKernels* Avx2ResizeKernels();
const ResizeKernels* Avx512ResizeKernels();
const ResizeKernels* NeonResizeKernels();

}  // namespace siglip
