// Resizing with AVX-512 (F, BW, DQ, VL). See resize_kernels.h for why nothing else is included.
#include <immintrin.h>
#include <string.h>

#include "image/resize_kernels.h"

namespace siglip {
namespace {

// 32 registers. Without split weights, more rows than four are not faster.
enum { kRowsAtOnce = 4, kRowsAtOnceSplit = 8 };
#include "image/isa/resize_256.inc"

}  // namespace

const ResizeKernels* Avx512ResizeKernels() { return &kKernels; }

}  // namespace siglip
