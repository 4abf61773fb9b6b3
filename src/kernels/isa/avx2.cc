// Kernels for AVX2 with FMA.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

struct Vector {
  static constexpr size_t kWidth = 8;
  __m256 v;

  static Vector Set(float x) { return {_mm256_set1_ps(x)}; }
  static Vector Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vector LoadPartial(const float* p, size_t n) { return {_mm256_maskload_ps(p, Mask(n))}; }
  void Store(float* p) const { _mm256_storeu_ps(p, v); }
  void StorePartial(float* p, size_t n) const { _mm256_maskstore_ps(p, Mask(n), v); }
  friend Vector operator+(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vector operator-(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vector operator*(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend Vector operator/(Vector a, Vector b) { return {_mm256_div_ps(a.v, b.v)}; }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
  }
  static Vector Max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vector Min(Vector a, Vector b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vector Abs(Vector a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
  static Vector Round(Vector a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static Vector Power2(Vector n) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(biased, 23))};
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

  static __m256i Mask(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

#include "kernels/isa/elementwise.h"

// 6 rows of two vectors: 12 accumulators, two vectors of the panel and one broadcast fill 15 of
// the 16 registers.
constexpr int kTileRows = 6;
constexpr int kPanelColumns = 16;

template <int kRows>
void Tile(size_t depth, const float* a, size_t a_stride, const float* panel, float* c,
          size_t c_stride, bool accumulate) {
  __m256 sums[kRows][2];
#pragma GCC unroll 6
  for (int row = 0; row < kRows; ++row) {
    sums[row][0] = accumulate ? _mm256_loadu_ps(c + row * c_stride) : _mm256_setzero_ps();
    sums[row][1] = accumulate ? _mm256_loadu_ps(c + row * c_stride + 8) : _mm256_setzero_ps();
  }
  for (size_t k = 0; k < depth; ++k, panel += kPanelColumns) {
    const __m256 b0 = _mm256_loadu_ps(panel);
    const __m256 b1 = _mm256_loadu_ps(panel + 8);
#pragma GCC unroll 6
    for (int row = 0; row < kRows; ++row) {
      const __m256 value = _mm256_set1_ps(a[row * a_stride + k]);
      sums[row][0] = _mm256_fmadd_ps(value, b0, sums[row][0]);
      sums[row][1] = _mm256_fmadd_ps(value, b1, sums[row][1]);
    }
  }
#pragma GCC unroll 6
  for (int row = 0; row < kRows; ++row) {
    _mm256_storeu_ps(c + row * c_stride, sums[row][0]);
    _mm256_storeu_ps(c + row * c_stride + 8, sums[row][1]);
  }
}

void GemmTile(int rows, int /*columns*/, size_t depth, const float* a, size_t a_stride,
              const float* panel, float* c, size_t c_stride, bool accumulate) {
  using Function = void (*)(size_t, const float*, size_t, const float*, float*, size_t, bool);
  static constexpr Function kTiles[kTileRows] = {Tile<1>, Tile<2>, Tile<3>,
                                                 Tile<4>, Tile<5>, Tile<6>};
  kTiles[rows - 1](depth, a, a_stride, panel, c, c_stride, accumulate);
}

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector>();
  kernels.tile_rows = kTileRows;
  kernels.panel_columns = kPanelColumns;
  kernels.gemm_tile = GemmTile;
  kernels.peak = Peak<Vector, 12>;
  return kernels;
}

}  // namespace

const Kernels& Avx2Kernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
