// Resizing with AVX2. See resize_kernels.h for why nothing else is included.
#include <immintrin.h>
#include <string.h>

#include "image/resize_kernels.h"

namespace siglip {
namespace {

// 16 registers.
enum { kRowsAtOnce = 4, kRowsAtOnceSplit = 2 };
#include "image/isa/resize_256.inc"

}  // namespace

const ResizeKernels* Avx2ResizeKernels() { return &kKernels; }

}  // namespace siglip
