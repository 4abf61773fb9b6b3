// Kernels for 64-bit Arm with DotProd: those of NEON, with byte products in one instruction.
#include <arm_neon.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

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

struct QueriedBytes {
  static constexpr size_t kWidth = 16;
  using Sum = int32x4_t;
  using Query = int8x16_t;
  static Sum Zero() { return vdupq_n_s32(0); }
  static Query Load(const int8_t* bytes) { return vld1q_s8(bytes); }
  static void Add(Sum& sum, Query query, const int8_t* bytes) {
    sum = vdotq_s32(sum, query, Load(bytes));
  }
  static int32_t Offset(const int8_t* /*query*/, size_t /*size*/) { return 0; }
  static void Store(const Sum* sums, int32_t* out) {
    vst1q_s32(out, vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3])));
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
