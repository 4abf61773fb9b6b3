// Kernels in plain C++ for any CPU; loops are shaped so that compilers vectorise the main ones.
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

struct Vector {
  static constexpr size_t kWidth = 1;
  float v;

  static Vector Set(float x) { return {x}; }
  static Vector Load(const float* p) { return {*p}; }
  static Vector LoadPartial(const float* p, size_t /*n*/) { return {*p}; }
  void Store(float* p) const { *p = v; }
  void StorePartial(float* p, size_t /*n*/) const { *p = v; }
  friend Vector operator+(Vector a, Vector b) { return {a.v + b.v}; }
  friend Vector operator-(Vector a, Vector b) { return {a.v - b.v}; }
  friend Vector operator*(Vector a, Vector b) { return {a.v * b.v}; }
  friend Vector operator/(Vector a, Vector b) { return {a.v / b.v}; }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) { return {a.v * b.v + c.v}; }
  static Vector Max(Vector a, Vector b) { return {a.v > b.v ? a.v : b.v}; }
  static Vector Min(Vector a, Vector b) { return {a.v < b.v ? a.v : b.v}; }
  static Vector Abs(Vector a) { return {a.v < 0.0F ? -a.v : a.v}; }
  /// For |a| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
  static Vector Round(Vector a) { return {(a.v + 12582912.0F) - 12582912.0F}; }
  static Vector Power2(Vector n) {
    const uint32_t bits = (uint32_t)((int32_t)n.v + 127) << 23;
    float power = 0.0F;
    memcpy(&power, &bits, sizeof(power));
    return {power};
  }
  static Vector SelectNegative(Vector x, Vector a, Vector b) { return x.v < 0.0F ? a : b; }
  static float SquareRoot(float x) { return sqrtf(x); }
  float Sum() const { return v; }
  float Maximum() const { return v; }
};

#include "kernels/isa/elementwise.h"

constexpr int kTileRows = 4;
constexpr int kPanelColumns = 16;

template <int kRows>
void Tile(size_t depth, const float* a, size_t a_stride, const float* panel, float* c,
          size_t c_stride, bool accumulate) {
  float sums[kRows][kPanelColumns];
  for (int row = 0; row < kRows; ++row) {
    for (int j = 0; j < kPanelColumns; ++j) {
      sums[row][j] = accumulate ? c[row * c_stride + j] : 0.0F;
    }
  }
  for (size_t k = 0; k < depth; ++k, panel += kPanelColumns) {
    for (int row = 0; row < kRows; ++row) {
      const float value = a[row * a_stride + k];
      for (int j = 0; j < kPanelColumns; ++j) sums[row][j] += value * panel[j];
    }
  }
  for (int row = 0; row < kRows; ++row) {
    memcpy(c + row * c_stride, sums[row], sizeof(sums[row]));
  }
}

void GemmTile(int rows, int /*columns*/, size_t depth, const float* a, size_t a_stride,
              const float* panel, float* c, size_t c_stride, bool accumulate) {
  using Function = void (*)(size_t, const float*, size_t, const float*, float*, size_t, bool);
  static constexpr Function kTiles[kTileRows] = {Tile<1>, Tile<2>, Tile<3>, Tile<4>};
  kTiles[rows - 1](depth, a, a_stride, panel, c, c_stride, accumulate);
}

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector>();
  kernels.tile_rows = kTileRows;
  kernels.panel_columns = kPanelColumns;
  kernels.gemm_tile = GemmTile;
  kernels.peak = Peak<Vector, 32>;
  return kernels;
}

}  // namespace

const Kernels& GenericKernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
