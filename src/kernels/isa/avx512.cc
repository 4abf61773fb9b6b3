// Kernels for AVX-512 F, BW, DQ, VL.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/avx512_lane_sums.h"
#include "kernels/isa/avx512_vector.h"
#include "kernels/isa/elementwise.h"
#include "kernels/isa/search.h"
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

/// Bytes widened as in WidenedInt8Dot: 16-bit products of pairs are added as 32-bit integers by
/// vpmaddwd, at most 2 * 2^14, so nothing saturates.
struct QueriedBytes {
  static constexpr size_t kWidth = 64;
  using Sum = __m512i;
  using Query = Quarters;
  static Sum Zero() { return _mm512_setzero_si512(); }
  static Query Load(const int8_t* bytes) { return WidenedInt8Dot::Load((const uint32_t*)bytes); }
  static void Add(Sum& sum, const Query& query, const int8_t* bytes) {
    WidenedInt8Dot::Add(sum, query, Load(bytes));
  }
  static int32_t Offset(const int8_t* /*query*/, size_t /*size*/) { return 0; }
  static void Store(const Sum* sums, int32_t* out) { StoreLaneSums(sums, out); }
};

struct QueriedHalves {
  using Sums = __m512;
  using Query = __m512;
  static Sums Zero() { return _mm512_setzero_ps(); }
  static Query Load(const float* query) { return _mm512_loadu_ps(query); }
  static void Add(Sums& sums, Query query, const uint16_t* halves) {
    const __m256i bits = _mm256_loadu_si256((const __m256i*)halves);
    sums = _mm512_fmadd_ps(query, _mm512_cvtph_ps(bits), sums);
  }
  static Sums KeepFirst(Sums sums, size_t n, Sums others) {
    return _mm512_mask_mov_ps(others, Vector::Mask(n), sums);
  }
  static float Total(Sums sums) {
    const __m256 eight =
        _mm256_add_ps(_mm512_castps512_ps256(sums), _mm512_extractf32x8_ps(sums, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
};

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector, kPanelColumns>();
  for (int& rows : kernels.tile_rows) rows = kTileRows;
  kernels.widening_tile = WideningTileOf<Float32Dot, Vector, kTileRows, kPanelColumns>;
  kernels.gemm_tile[(int)OperandType::kFloat32] = GemmTileOf<Float32Dot, kTileRows, kPanelColumns>;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<WidenedInt8Dot, 7, kPanelColumns>;
  kernels.peak[(int)OperandType::kFloat32] = PeakOf<Float32Dot, 24>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<Float32Dot, 24>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<WidenedInt8Dot, 12>;
  kernels.dot_bytes = DotBytesOf<QueriedBytes>;
  kernels.dot_halves = DotHalvesOf<QueriedHalves>;
  return kernels;
}

}  // namespace

const Kernels& Avx512Kernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
