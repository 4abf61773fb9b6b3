// Kernels for AVX-512 with VNNI and BF16: bfloat16 products and conversion in one instruction.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

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
  static void Store(Sum sum, void* c, size_t lane) { _mm512_storeu_ps((float*)c + lane, sum); }
};

void ToBFloat16(size_t count, const float* in, uint16_t* out) {
  for (size_t i = 0; i < count; i += 16) {
    const __mmask16 mask = count - i >= 16 ? 0xFFFF : (__mmask16)((1U << (count - i)) - 1U);
    const __m256bh halves = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, in + i));
    _mm256_mask_storeu_epi16(out + i, mask, (__m256i)halves);
  }
}

Kernels MakeKernels() {
  Kernels kernels = Avx512VnniKernels();
  kernels.gemm_tile[(int)OperandType::kBFloat16] =
      GemmTileOf<BFloat16Dot, kTileRows, kPanelColumns>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<BFloat16Dot, 24>;
  kernels.to_bfloat16 = ToBFloat16;
  return kernels;
}

}  // namespace

const Kernels& Avx512Bf16Kernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
