// Kernels for AVX-512 F, BW, DQ, VL.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

struct Vector {
  static constexpr size_t kWidth = 16;
  __m512 v;

  static Vector Set(float x) { return {_mm512_set1_ps(x)}; }
  static Vector Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vector LoadPartial(const float* p, size_t n) {
    return {_mm512_maskz_loadu_ps(Mask(n), p)};
  }
  void Store(float* p) const { _mm512_storeu_ps(p, v); }
  void StorePartial(float* p, size_t n) const { _mm512_mask_storeu_ps(p, Mask(n), v); }
  friend Vector operator+(Vector a, Vector b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vector operator-(Vector a, Vector b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vector operator*(Vector a, Vector b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vector operator/(Vector a, Vector b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  }
  static Vector Max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vector Min(Vector a, Vector b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vector Abs(Vector a) { return {_mm512_abs_ps(a.v)}; }
  static Vector Round(Vector a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static Vector Power2(Vector n) {
    const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(biased, 23))};
  }
  static Vector SelectNegative(Vector x, Vector a, Vector b) {
    return {
        _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.v, _mm512_setzero_ps(), _CMP_LT_OQ), b.v, a.v)};
  }
  static float SquareRoot(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
  float Sum() const { return _mm512_reduce_add_ps(v); }
  float Maximum() const { return _mm512_reduce_max_ps(v); }

  static __mmask16 Mask(size_t n) { return (__mmask16)((1U << n) - 1U); }
};

#include "kernels/isa/elementwise.h"

// 14 rows of two vectors: 28 accumulators, two vectors of the panel and one broadcast fill 31 of
// the 32 registers.
constexpr int kTileRows = 14;
constexpr int kPanelColumns = 32;

template <int kRows, int kVectors>
void Tile(size_t depth, const float* a, size_t a_stride, const float* panel, float* c,
          size_t c_stride, bool accumulate) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 14
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      sums[row][j] =
          accumulate ? _mm512_loadu_ps(c + row * c_stride + 16 * j) : _mm512_setzero_ps();
    }
  }
  for (size_t k = 0; k < depth; ++k, panel += kPanelColumns) {
    __m512 b[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) b[j] = _mm512_loadu_ps(panel + 16 * j);
#pragma GCC unroll 14
    for (int row = 0; row < kRows; ++row) {
      const __m512 value = _mm512_set1_ps(a[row * a_stride + k]);
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sums[row][j] = _mm512_fmadd_ps(value, b[j], sums[row][j]);
    }
  }
#pragma GCC unroll 14
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) _mm512_storeu_ps(c + row * c_stride + 16 * j, sums[row][j]);
  }
}

template <int kVectors>
void TileOfRows(int rows, size_t depth, const float* a, size_t a_stride, const float* panel,
                float* c, size_t c_stride, bool accumulate) {
  using Function = void (*)(size_t, const float*, size_t, const float*, float*, size_t, bool);
  static constexpr Function kTiles[kTileRows] = {
      Tile<1, kVectors>,  Tile<2, kVectors>,  Tile<3, kVectors>,  Tile<4, kVectors>,
      Tile<5, kVectors>,  Tile<6, kVectors>,  Tile<7, kVectors>,  Tile<8, kVectors>,
      Tile<9, kVectors>,  Tile<10, kVectors>, Tile<11, kVectors>, Tile<12, kVectors>,
      Tile<13, kVectors>, Tile<14, kVectors>};
  kTiles[rows - 1](depth, a, a_stride, panel, c, c_stride, accumulate);
}

void GemmTile(int rows, int columns, size_t depth, const float* a, size_t a_stride,
              const float* panel, float* c, size_t c_stride, bool accumulate) {
  if (columns > 16) {
    TileOfRows<2>(rows, depth, a, a_stride, panel, c, c_stride, accumulate);
  } else {
    TileOfRows<1>(rows, depth, a, a_stride, panel, c, c_stride, accumulate);
  }
}

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector>();
  kernels.tile_rows = kTileRows;
  kernels.panel_columns = kPanelColumns;
  kernels.gemm_tile = GemmTile;
  kernels.peak = Peak<Vector, 24>;
  return kernels;
}

}  // namespace

const Kernels& Avx512Kernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
