// Kernels for AVX-512 F, BW, DQ, VL.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/avx512_vector.h"
#include "kernels/isa/elementwise.h"
#include "kernels/isa/tile.h"

// 14 rows of two vectors: 28 accumulators, two vectors of the panel and one broadcast fill 31 of
// the 32 registers.
constexpr int kTileRows = 14;
constexpr int kPanelColumns = 32;

/// Four bytes as two pairs of 16-bit integers: bytes 0 and 2, bytes 1 and 3. Unlike vpmaddubsw,
/// vpmaddwd of these cannot saturate.
struct Quarters {
  __m512i even;
  __m512i odd;
};

inline void Hide(Quarters& value) {
  Hide(value.even);
  Hide(value.odd);
}

struct WidenedInt8Dot {
  static constexpr int kLanes = 16;
  static constexpr int kValuesPerWord = 4;
  using Sum = __m512i;
  using Value = Quarters;
  using Panel = Quarters;
  static Sum Zero() { return _mm512_setzero_si512(); }
  static Value Broadcast(const uint32_t* a) {
    const __m512i bytes = _mm512_set1_epi32((int)*a);
    return {_mm512_and_si512(bytes, _mm512_set1_epi16(0xFF)), _mm512_srli_epi16(bytes, 8)};
  }
  static Panel Load(const uint32_t* panel) {
    const __m512i bytes = _mm512_loadu_si512(panel);
    return {_mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 8), _mm512_srai_epi16(bytes, 8)};
  }
  static void Add(Sum& sum, const Value& value, const Panel& panel) {
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(value.even, panel.even));
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(value.odd, panel.odd));
  }
  static Sum LoadSum(const void* c, size_t lane) {
    return _mm512_loadu_si512((const int32_t*)c + lane);
  }
  static void Store(Sum sum, void* c, size_t lane) { _mm512_storeu_si512((int32_t*)c + lane, sum); }
};

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector, kPanelColumns>();
  kernels.tile_rows = kTileRows;
  kernels.widening_tile = WideningTileOf<Float32Dot, Vector, kTileRows, kPanelColumns>;
  kernels.gemm_tile[(int)OperandType::kFloat32] = GemmTileOf<Float32Dot, kTileRows, kPanelColumns>;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<WidenedInt8Dot, 7, kPanelColumns>;
  kernels.peak[(int)OperandType::kFloat32] = PeakOf<Float32Dot, 24>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<Float32Dot, 24>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<WidenedInt8Dot, 12>;
  return kernels;
}

}  // namespace

const Kernels& Avx512Kernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
