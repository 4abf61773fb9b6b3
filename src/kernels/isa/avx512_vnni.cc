// Kernels for AVX-512 with VNNI: those of AVX-512, with byte products in one instruction.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/avx512_lane_sums.h"
#include "kernels/isa/search.h"
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

struct QueriedBytes {
  static constexpr size_t kWidth = 64;
  using Sum = __m512i;
  using Query = __m512i;
  static Sum Zero() { return _mm512_setzero_si512(); }
  static Query Load(const int8_t* bytes) { return _mm512_loadu_si512(bytes); }
  /// The instruction takes unsigned bytes on one side: 128 is added to those of the row. Its 16-bit
  /// products are at most 255 * 128 and are added as 32-bit integers, which wrap around and do not
  /// saturate.
  static void Add(Sum& sum, Query query, const int8_t* bytes) {
    const __m512i moved = _mm512_xor_si512(Load(bytes), _mm512_set1_epi8((char)0x80));
    sum = _mm512_dpbusd_epi32(sum, moved, query);
  }
  /// 128 times the sum of the query.
  static int32_t Offset(const int8_t* query, size_t size) {
    Sum sums[4] = {Zero(), Zero(), Zero(), Zero()};
    for (size_t i = 0; i < size; i += kWidth) {
      sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_set1_epi8((char)0x80), Load(query + i));
    }
    int32_t totals[4];
    StoreLaneSums(sums, totals);
    return totals[0];
  }
  static void Store(const Sum* sums, int32_t* out) { StoreLaneSums(sums, out); }
};

Kernels MakeKernels() {
  Kernels kernels = Avx512Kernels();
  kernels.multiplies_int8 = true;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<Int8Dot, kTileRows, kPanelColumns>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Int8Dot, 24>;
  kernels.dot_bytes = DotBytesOf<QueriedBytes>;
  return kernels;
}

}  // namespace

const Kernels& Avx512VnniKernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
