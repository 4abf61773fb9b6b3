// Kernels for AVX2 with FMA.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

struct Vector {
  static constexpr size_t kWidth = 8;
  static constexpr int kByteOffset = 128;
  __m256 v;

  static Vector Set(float x) { return {_mm256_set1_ps(x)}; }
  static Vector Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vector LoadPartial(const float* p, size_t n) { return {_mm256_maskload_ps(p, Mask(n))}; }
  void Store(float* p) const { _mm256_storeu_ps(p, v); }
  void StorePartial(float* p, size_t n) const { _mm256_maskstore_ps(p, Mask(n), v); }
  friend Vector operator+(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vector operator-(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vector operator*(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
  }
  static Vector Max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vector Min(Vector a, Vector b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vector Abs(Vector a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
  static Vector Round(Vector a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static Vector Divide(Vector a, Vector b) { return {_mm256_div_ps(a.v, b.v)}; }
  static Vector TimesPower2(Vector a, Vector n) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23)))};
  }
  static Vector SelectNegative(Vector x, Vector a, Vector b) {
    return {_mm256_blendv_ps(b.v, a.v, _mm256_cmp_ps(x.v, _mm256_setzero_ps(), _CMP_LT_OQ))};
  }
  static float SquareRoot(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
  float Sum() const {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }
  float Maximum() const {
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
  }

  /// a - b of integers, as float.
  static Vector Difference(const int32_t* a, const int32_t* b) {
    return {_mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_loadu_si256((const __m256i*)a),
                                                _mm256_loadu_si256((const __m256i*)b)))};
  }
  static Vector LargerMagnitude(Vector a, Vector b) {
    return {_mm256_castsi256_ps(
        _mm256_max_epi32(_mm256_castps_si256(Abs(a).v), _mm256_castps_si256(Abs(b).v)))};
  }
  float LargestMagnitude() const {
    const __m256i bits = _mm256_castps_si256(v);
    __m128i most = _mm_max_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0x4E));
    most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(most));
  }
  void StoreBytes(uint8_t* p) const {
    const __m256i integers = _mm256_cvtps_epi32(v);
    const __m128i shorts =
        _mm_packs_epi32(_mm256_castsi256_si128(integers), _mm256_extracti128_si256(integers, 1));
    const __m128i bytes = _mm_packs_epi16(shorts, shorts);
    _mm_storel_epi64((__m128i*)p, _mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)));
  }
  static void ScaleToBytes(size_t count, const float* in, Vector factor, uint8_t* out) {
    for (size_t i = 0; i < count; i += kWidth) (Load(in + i) * factor).StoreBytes(out + i);
  }
  static Vector KeepFirst(Vector a, size_t n, float other) {
    return {_mm256_blendv_ps(_mm256_set1_ps(other), a.v, _mm256_castsi256_ps(Mask(n)))};
  }
  static Vector LowHalves(const uint32_t* pairs) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256((const __m256i*)pairs), 16))};
  }
  static Vector HighHalves(const uint32_t* pairs) {
    // Two shifts, as a mask would take the register that the widening tile needs.
    const __m256i high = _mm256_srli_epi32(_mm256_loadu_si256((const __m256i*)pairs), 16);
    return {_mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
  }
  static void TransposeBlock(const float* in, size_t in_stride, float* out, size_t out_stride) {
    __m256 a[8];
    __m256 b[8];
    for (int i = 0; i < 8; ++i) a[i] = _mm256_loadu_ps(in + i * in_stride);
    for (int i = 0; i < 8; i += 2) {
      b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
      a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xEE);
      a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
      a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xEE);
    }
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_ps(out + i * out_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
      _mm256_storeu_ps(out + (i + 4) * out_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
  }
  void StoreBFloat16(uint16_t* p) const {
    // Adding half of the last kept bit, and that bit itself where exactly half is cut off.
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    // Not a number stays so: the addition could carry its payload away.
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i kept = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    _mm_storeu_si128((__m128i*)p, _mm_packus_epi32(_mm256_castsi256_si128(kept),
                                                   _mm256_extracti128_si256(kept, 1)));
  }

  static __m256i Mask(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

#include "kernels/isa/avx2_lane_sums.h"
#include "kernels/isa/elementwise.h"
#include "kernels/isa/search.h"
#include "kernels/isa/tile.h"

// 6 rows of two vectors: 12 accumulators, two vectors of the panel and one broadcast fill 15 of
// the 16 registers.
constexpr int kTileRows = 6;
constexpr int kPanelColumns = 16;

struct Float32Dot {
  static constexpr int kLanes = 8;
  static constexpr int kValuesPerWord = 1;
  using Sum = __m256;
  using Value = __m256;
  using Panel = __m256;
  static Sum Zero() { return _mm256_setzero_ps(); }
  static Value Broadcast(const uint32_t* a) { return _mm256_set1_ps(*(const float*)a); }
  static Panel Load(const uint32_t* panel) { return _mm256_loadu_ps((const float*)panel); }
  static void Add(Sum& sum, Value value, Panel panel) { sum = _mm256_fmadd_ps(value, panel, sum); }
  static Sum LoadSum(const void* c, size_t lane) { return _mm256_loadu_ps((const float*)c + lane); }
  static void Store(Sum sum, void* c, size_t lane) { _mm256_storeu_ps((float*)c + lane, sum); }
};

/// Four bytes as two pairs of 16-bit integers: bytes 0 and 2, bytes 1 and 3. Unlike vpmaddubsw,
/// vpmaddwd of these cannot saturate.
struct Quarters {
  __m256i even;
  __m256i odd;
};

inline void Hide(Quarters& value) {
  Hide(value.even);
  Hide(value.odd);
}

struct WidenedInt8Dot {
  static constexpr int kLanes = 8;
  static constexpr int kValuesPerWord = 4;
  using Sum = __m256i;
  using Value = Quarters;
  using Panel = Quarters;
  static Sum Zero() { return _mm256_setzero_si256(); }
  static Value Broadcast(const uint32_t* a) {
    const __m256i bytes = _mm256_set1_epi32((int)*a);
    return {_mm256_and_si256(bytes, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(bytes, 8)};
  }
  static Panel Load(const uint32_t* panel) {
    const __m256i bytes = _mm256_loadu_si256((const __m256i*)panel);
    return {_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
  }
  static void Add(Sum& sum, const Value& value, const Panel& panel) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(value.even, panel.even));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(value.odd, panel.odd));
  }
  static Sum LoadSum(const void* c, size_t lane) {
    return _mm256_loadu_si256((const __m256i*)((const int32_t*)c + lane));
  }
  static void Store(Sum sum, void* c, size_t lane) {
    _mm256_storeu_si256((__m256i*)((int32_t*)c + lane), sum);
  }
};

/// Bytes widened as in WidenedInt8Dot: 16-bit products of pairs are added as 32-bit integers by
/// vpmaddwd, at most 2 * 2^14, so nothing saturates.
struct QueriedBytes {
  static constexpr size_t kWidth = 32;
  using Sum = __m256i;
  using Query = Quarters;
  static Sum Zero() { return _mm256_setzero_si256(); }
  static Query Load(const int8_t* bytes) { return WidenedInt8Dot::Load((const uint32_t*)bytes); }
  static void Add(Sum& sum, const Query& query, const int8_t* bytes) {
    WidenedInt8Dot::Add(sum, query, Load(bytes));
  }
  static int32_t Offset(const int8_t* /*query*/, size_t /*size*/) { return 0; }
  static void Store(const Sum* sums, int32_t* out) { StoreLaneSums(sums, out); }
};

/// Without the instruction for binary16, which is no part of AVX2.
struct QueriedHalves {
  struct Sums {
    __m256 low;
    __m256 high;
  };
  using Query = Sums;
  static Sums Zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Query Load(const float* query) {
    return {_mm256_loadu_ps(query), _mm256_loadu_ps(query + 8)};
  }
  static __m256 Widen(const uint16_t* halves) {
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)halves));
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFF));
    // Subnormal ones are integers times 2^-24. As floats of their bits they would be subnormal,
    // too, and slow.
    const __m256 small = _mm256_mul_ps(_mm256_cvtepi32_ps(magnitude), _mm256_set1_ps(0x1p-24F));
    const __m256i is_normal = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x3FF));
    const __m256i is_infinite = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7BFF));
    const __m256i biased =
        _mm256_add_epi32(_mm256_slli_epi32(magnitude, 13), _mm256_set1_epi32(112 << 23));
    const __m256i normal =
        _mm256_or_si256(biased, _mm256_and_si256(is_infinite, _mm256_set1_epi32(0x7F800000)));
    const __m256i sign = _mm256_slli_epi32(_mm256_xor_si256(bits, magnitude), 16);
    const __m256 value =
        _mm256_blendv_ps(small, _mm256_castsi256_ps(normal), _mm256_castsi256_ps(is_normal));
    return _mm256_or_ps(value, _mm256_castsi256_ps(sign));
  }
  static void Add(Sums& sums, const Query& query, const uint16_t* halves) {
    sums.low = _mm256_fmadd_ps(query.low, Widen(halves), sums.low);
    sums.high = _mm256_fmadd_ps(query.high, Widen(halves + 8), sums.high);
  }
  static Sums KeepFirst(const Sums& sums, size_t n, const Sums& others) {
    const __m256 low = _mm256_castsi256_ps(Vector::Mask(n));
    const __m256 high = _mm256_castsi256_ps(Vector::Mask(n > 8 ? n - 8 : 0));
    return {_mm256_blendv_ps(others.low, sums.low, low),
            _mm256_blendv_ps(others.high, sums.high, high)};
  }
  static float Total(const Sums& sums) {
    const __m256 eight = _mm256_add_ps(sums.low, sums.high);
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
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<WidenedInt8Dot, 3, kPanelColumns>;
  kernels.peak[(int)OperandType::kFloat32] = PeakOf<Float32Dot, 12>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<Float32Dot, 12>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<WidenedInt8Dot, 6>;
  kernels.dot_bytes = DotBytesOf<QueriedBytes>;
  kernels.dot_halves = DotHalvesOf<QueriedHalves>;
  return kernels;
}

}  // namespace

const Kernels& Avx2Kernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
