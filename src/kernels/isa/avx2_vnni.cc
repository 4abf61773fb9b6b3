// Kernels for AVX2 with AVX-VNNI: those of AVX2, with byte products in one instruction.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/avx2_lane_sums.h"
#include "kernels/isa/search.h"
#include "kernels/isa/tile.h"

constexpr int kTileRows = 6;
constexpr int kPanelColumns = 16;

struct Int8Dot {
  static constexpr int kLanes = 8;
  static constexpr int kValuesPerWord = 4;
  using Sum = __m256i;
  using Value = __m256i;
  using Panel = __m256i;
  static Sum Zero() { return _mm256_setzero_si256(); }
  static Value Broadcast(const uint32_t* a) { return _mm256_set1_epi32((int)*a); }
  static Panel Load(const uint32_t* panel) { return _mm256_loadu_si256((const __m256i*)panel); }
  static void Add(Sum& sum, Value value, Panel panel) {
    sum = _mm256_dpbusd_avx_epi32(sum, value, panel);
  }
  static Sum LoadSum(const void* c, size_t lane) {
    return _mm256_loadu_si256((const __m256i*)((const int32_t*)c + lane));
  }
  static void Store(Sum sum, void* c, size_t lane) {
    _mm256_storeu_si256((__m256i*)((int32_t*)c + lane), sum);
  }
};

struct QueriedBytes {
  static constexpr size_t kWidth = 32;
  using Sum = __m256i;
  using Query = __m256i;
  static Sum Zero() { return _mm256_setzero_si256(); }
  static Query Load(const int8_t* bytes) { return _mm256_loadu_si256((const __m256i*)bytes); }
  /// The instruction takes unsigned bytes on one side: 128 is added to those of the row. Its 16-bit
  /// products are at most 255 * 128 and are added as 32-bit integers, which wrap around and do not
  /// saturate.
  static void Add(Sum& sum, Query query, const int8_t* bytes) {
    const __m256i moved = _mm256_xor_si256(Load(bytes), _mm256_set1_epi8((char)0x80));
    sum = _mm256_dpbusd_avx_epi32(sum, moved, query);
  }
  /// 128 times the sum of the query.
  static int32_t Offset(const int8_t* query, size_t size) {
    Sum sums[4] = {Zero(), Zero(), Zero(), Zero()};
    for (size_t i = 0; i < size; i += kWidth) {
      sums[0] = _mm256_dpbusd_avx_epi32(sums[0], _mm256_set1_epi8((char)0x80), Load(query + i));
    }
    int32_t totals[4];
    StoreLaneSums(sums, totals);
    return totals[0];
  }
  static void Store(const Sum* sums, int32_t* out) { StoreLaneSums(sums, out); }
};

Kernels MakeKernels() {
  Kernels kernels = Avx2Kernels();
  kernels.multiplies_int8 = true;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<Int8Dot, kTileRows, kPanelColumns>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Int8Dot, 12>;
  kernels.dot_bytes = DotBytesOf<QueriedBytes>;
  return kernels;
}

}  // namespace

const Kernels& Avx2VnniKernels() {
  static const Kernels kernels = MakeKernels();
  return kernels;
}

}  // namespace siglip
