// Kernels for AVX-512 with VNNI and BF16: bfloat16 products and conversion in one instruction.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/avx512_vector.h"
#include "kernels/isa/elementwise.h"
#include "kernels/isa/tile.h"

constexpr int kTileRows = 14;
constexpr int kPanelColumns = 32;

struct BFloat16Dot {
  static constexpr int kLanes = 16;
  static constexpr int kValuesPerWord = 2;
  using Sum = __m512;
  using Value = __m512i;
  using Panel = __m512i;
  static Sum Zero() { return _mm512_setzero_ps(); }
  static Value Broadcast(const uint32_t* a) { return _mm512_set1_epi32((int)*a); }
  static Panel Load(const uint32_t* panel) { return _mm512_loadu_si512(panel); }
  static void Add(Sum& sum, Value value, Panel panel) {
    // As inline assembly because compilers spill the accumulators of the intrinsic.
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(value), "v"(panel));
  }
  static Sum LoadSum(const void* c, size_t lane) { return _mm512_loadu_ps((const float*)c + lane); }
  static void Store(Sum sum, void* c, size_t lane) { _mm512_storeu_ps((float*)c + lane, sum); }
};

Kernels MakeKernels() {
  Kernels kernels = Avx512VnniKernels();
  kernels.gemm_tile[(int)OperandType::kBFloat16] =
      GemmTileOf<BFloat16Dot, kTileRows, kPanelColumns>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<BFloat16Dot, 24>;
  kernels.multiplies_bfloat16 = true;
  const Kernels converting = ElementwiseKernels<Vector, kPanelColumns>();
  kernels.to_bfloat16 = converting.to_bfloat16;
  kernels.scale_bfloat16 = converting.scale_bfloat16;
  kernels.bias_bfloat16 = converting.bias_bfloat16;
  kernels.softmax_exponentials_bfloat16 = converting.softmax_exponentials_bfloat16;
  kernels.bias_activation_bfloat16 = converting.bias_activation_bfloat16;
  return kernels;
}

}  // namespace

const Kernels& Avx512Bf16Kernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
