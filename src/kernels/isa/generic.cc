// Kernels in plain C++ for any CPU; loops are shaped so that compilers vectorise the main ones.
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

float FromBits(uint32_t bits) {
  float value = 0.0F;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

uint32_t ToBits(float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

struct Vector {
  static constexpr size_t kWidth = 1;
  static constexpr int kByteOffset = 128;
  float v;

  static Vector Set(float x) { return {x}; }
  static Vector Load(const float* p) { return {*p}; }
  static Vector LoadPartial(const float* p, size_t /*n*/) { return {*p}; }
  void Store(float* p) const { *p = v; }
  void StorePartial(float* p, size_t /*n*/) const { *p = v; }
  friend Vector operator+(Vector a, Vector b) { return {a.v + b.v}; }
  friend Vector operator-(Vector a, Vector b) { return {a.v - b.v}; }
  friend Vector operator*(Vector a, Vector b) { return {a.v * b.v}; }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) { return {a.v * b.v + c.v}; }
  static Vector Max(Vector a, Vector b) { return {a.v > b.v ? a.v : b.v}; }
  static Vector Min(Vector a, Vector b) { return {a.v < b.v ? a.v : b.v}; }
  static Vector Abs(Vector a) { return {a.v < 0.0F ? -a.v : a.v}; }
  /// For |a| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
  static Vector Round(Vector a) { return {(a.v + 12582912.0F) - 12582912.0F}; }
  static Vector Divide(Vector a, Vector b) { return {a.v / b.v}; }
  static Vector TimesPower2(Vector a, Vector n) {
    const int32_t exponent = n.v == n.v ? (int32_t)n.v : 0;  // where n is NaN, so is a
    return {a.v * FromBits((uint32_t)(exponent + 127) << 23)};
  }
  /// a - b of integers, as float.
  static Vector Difference(const int32_t* a, const int32_t* b) { return {(float)(*a - *b)}; }
  static Vector LargerMagnitude(Vector a, Vector b) {
    const uint32_t first = ToBits(a.v) & 0x7FFFFFFFU;
    const uint32_t second = ToBits(b.v) & 0x7FFFFFFFU;
    return {FromBits(first > second ? first : second)};
  }
  float LargestMagnitude() const { return v; }
  void StoreBytes(uint8_t* p) const { *p = (uint8_t)((int32_t)Round(*this).v + 128); }
  static void ScaleToBytes(size_t count, const float* in, Vector factor, uint8_t* out) {
    for (size_t i = 0; i < count; ++i) (Load(in + i) * factor).StoreBytes(out + i);
  }
  static Vector KeepFirst(Vector a, size_t /*n*/, float /*other*/) { return a; }
  static Vector LowHalves(const uint32_t* pairs) { return {FromBits(*pairs << 16)}; }
  static Vector HighHalves(const uint32_t* pairs) { return {FromBits(*pairs & 0xFFFF0000U)}; }
  static void TransposeBlock(const float* in, size_t /*in_stride*/, float* out,
                             size_t /*out_stride*/) {
    *out = *in;
  }
  void StoreBFloat16(uint16_t* p) const {
    uint32_t bits = ToBits(v);
    // Not a number stays so; else half of the last kept bit is added, and that bit itself where
    // exactly half is cut off.
    bits = v != v ? bits | 0x00400000U : bits + 0x7FFFU + ((bits >> 16) & 1U);
    *p = (uint16_t)(bits >> 16);
  }
  static Vector SelectNegative(Vector x, Vector a, Vector b) { return x.v < 0.0F ? a : b; }
  static float SquareRoot(float x) { return sqrtf(x); }
  float Sum() const { return v; }
  float Maximum() const { return v; }
};

#include "kernels/isa/elementwise.h"

constexpr int kTileRows = 4;
constexpr int kPanelColumns = 16;

// Each adds to kPanelColumns sums the products of a word with one step of the panel: four vectors
// of accumulators on most CPUs, in a loop that vectorises.

struct Float32Dot {
  static constexpr int kValuesPerWord = 1;
  using Sum = float;
  static void Add(float* sums, uint32_t word, const uint32_t* panel) {
    const float value = FromBits(word);
    for (int j = 0; j < kPanelColumns; ++j) sums[j] += value * FromBits(panel[j]);
  }
};

struct Int8Dot {
  static constexpr int kValuesPerWord = 4;
  using Sum = int32_t;
  static void Add(int32_t* sums, uint32_t word, const uint32_t* panel) {
    for (int byte = 0; byte < 4; ++byte) {
      const auto value = (int32_t)((word >> (8 * byte)) & 0xFFU);
      for (int j = 0; j < kPanelColumns; ++j) sums[j] += value * (int8_t)(panel[j] >> (8 * byte));
    }
  }
};

template <class Dot>
void GemmTileOf(int rows, int /*columns*/, size_t depth, const uint32_t* a, size_t a_stride,
                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                const uint32_t* /*prefetch*/) {
  for (int row = 0; row < rows; ++row, a += a_stride) {
    typename Dot::Sum sums[kPanelColumns] = {};
    if (accumulate) memcpy(sums, (const float*)c + row * c_stride, sizeof(sums));
    for (size_t k = 0; k < depth; ++k) Dot::Add(sums, a[k], panel + k * kPanelColumns);
    memcpy((float*)c + row * c_stride, sums, sizeof(sums));
  }
}

/// Products with a panel that stays in the L1 cache; see Kernels::peak.
template <class Dot>
double PeakOf(int64_t rounds) {
  uint32_t panel[kPanelColumns];
  for (int j = 0; j < kPanelColumns; ++j) panel[j] = (uint32_t)rounds + (uint32_t)j;
  typename Dot::Sum sums[4][kPanelColumns] = {};
  for (int64_t round = 0; round < rounds; ++round) {
    for (int chain = 0; chain < 4; ++chain) Dot::Add(sums[chain], (uint32_t)round, panel);
  }
  volatile typename Dot::Sum last = sums[0][0] + sums[1][0] + sums[2][0] + sums[3][0];
  (void)last;  // keeps the loop from being dropped
  return 2.0 * 4 * kPanelColumns * Dot::kValuesPerWord * (double)rounds;
}

void DotBytes(const int8_t* query, size_t size, const int8_t* rows, size_t stride, size_t count,
              int32_t* sums) {
  for (size_t row = 0; row < count; ++row, rows += stride) {
    int32_t sum = 0;
    for (size_t i = 0; i < size; ++i) sum += query[i] * rows[i];
    sums[row] = sum;
  }
}

float WidenHalf(uint16_t half) {
  const uint32_t magnitude = half & 0x7FFFU;
  const float scaled = FromBits(magnitude << 13) * 0x1p112F;
  const uint32_t infinite = magnitude >= 0x7C00U ? 0x7F800000U : 0U;
  return FromBits(ToBits(scaled) | infinite | (uint32_t)(half & 0x8000U) << 16);
}

/// fmaf is right on every CPU: where there is no instruction for it, the library of C computes it.
void DotHalves(const float* query, size_t size, const uint16_t* rows, size_t stride, size_t count,
               float* scores) {
  for (size_t row = 0; row < count; ++row, rows += stride) {
    float sums[kPartialSums] = {};
    for (size_t i = 0; i < size; ++i) {
      float& sum = sums[i % kPartialSums];
      sum = fmaf(query[i], WidenHalf(rows[i]), sum);
    }
    for (size_t step = kPartialSums / 2; step > 0; step /= 2) {
      for (size_t i = 0; i < step; ++i) sums[i] += sums[i + step];
    }
    scores[row] = sums[0];
  }
}

constexpr Kernels MakeKernels() {
  Kernels kernels = ElementwiseKernels<Vector, kPanelColumns>();
  for (int& rows : kernels.tile_rows) rows = kTileRows;
  kernels.gemm_tile[(int)OperandType::kFloat32] = GemmTileOf<Float32Dot>;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<Int8Dot>;
  kernels.peak[(int)OperandType::kFloat32] = PeakOf<Float32Dot>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<Float32Dot>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Int8Dot>;
  kernels.dot_bytes = DotBytes;
  kernels.dot_halves = DotHalves;
  return kernels;
}

}  // namespace

const Kernels& GenericKernels() {
  static constexpr Kernels kKernels = MakeKernels();
  return kKernels;
}

}  // namespace siglip
