// Kernels for 64-bit Arm with DotProd: those of NEON, with byte products in one instruction.
#include <arm_neon.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/neon_bytes.h"
#include "kernels/isa/neon_tile.h"
#include "kernels/isa/search.h"

/// Four signed bytes of each column times those of a word. Sums of 32 bits wrap around.
struct Int8Dot {
  static constexpr int kValuesPerWord = 4;
  template <int kLane>
  static void Add(Register& sums, Register panel, Register words) {
    asm volatile("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sums) : "w"(panel), "w"(words), "i"(kLane));
  }
};

struct QueriedBytes : SignedBytes {
  static void Add(Sum& sum, Query query, const int8_t* bytes) {
    sum = vdotq_s32(sum, query, Load(bytes));
  }
};

Kernels MakeKernels() {
  Kernels kernels = NeonKernels();
  kernels.multiplies_int8 = true;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<Int8Dot>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Int8Dot>;
  kernels.dot_bytes = DotBytesOf<QueriedBytes>;
  return kernels;
}

}  // namespace

const Kernels& NeonDotKernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
