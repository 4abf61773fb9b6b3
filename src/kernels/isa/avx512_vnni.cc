// Kernels for AVX-512 with VNNI: those of AVX-512, with byte products in one instruction.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/tile.h"

constexpr int kTileRows = 14;
constexpr int kPanelColumns = 32;

struct Int8Dot {
  static constexpr int kLanes = 16;
  static constexpr int kValuesPerWord = 4;
  using Sum = __m512i;
  using Value = __m512i;
  using Panel = __m512i;
  static Sum Zero() { return _mm512_setzero_si512(); }
  static Value Broadcast(const uint32_t* a) { return _mm512_set1_epi32((int)*a); }
  static Panel Load(const uint32_t* panel) { return _mm512_loadu_si512(panel); }
  static void Add(Sum& sum, Value value, Panel panel) {
    // GCC 12 spills the accumulators of the intrinsic.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(value), "v"(panel));
  }
  static Sum LoadSum(const void* c, size_t lane) {
    return _mm512_loadu_si512((const int32_t*)c + lane);
  }
  static void Store(Sum sum, void* c, size_t lane) { _mm512_storeu_si512((int32_t*)c + lane, sum); }
};

Kernels MakeKernels() {
  Kernels kernels = Avx512Kernels();
  kernels.multiplies_int8 = true;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<Int8Dot, kTileRows, kPanelColumns>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Int8Dot, 24>;
  return kernels;
}

}  // namespace

const Kernels& Avx512VnniKernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
