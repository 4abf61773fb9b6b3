// Vectors of eight floats in two registers, for elementwise.h, with every operation as AVX2 has it:
// so results have the same bits as there.
//
// Included inside an anonymous namespace by the files compiled for 64-bit Arm.

struct Vector {
  static constexpr size_t kWidth = 8;
  static constexpr int kByteOffset = 0;
  float32x4_t low;
  float32x4_t high;

  static Vector Set(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  static Vector Load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
  static Vector LoadPartial(const float* p, size_t n) {
    float values[kWidth] = {};
    for (size_t i = 0; i < n; ++i) values[i] = p[i];
    return Load(values);
  }
  void Store(float* p) const {
    vst1q_f32(p, low);
    vst1q_f32(p + 4, high);
  }
  void StorePartial(float* p, size_t n) const {
    float values[kWidth];
    Store(values);
    for (size_t i = 0; i < n; ++i) p[i] = values[i];
  }
  friend Vector operator+(Vector a, Vector b) {
    return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)};
  }
  friend Vector operator-(Vector a, Vector b) {
    return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)};
  }
  friend Vector operator*(Vector a, Vector b) {
    return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)};
  }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {vfmaq_f32(c.low, a.low, b.low), vfmaq_f32(c.high, a.high, b.high)};
  }
  // Arm's own maximum and minimum differ where one is NaN.
  static float32x4_t LargerOf(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcgtq_f32(a, b), a, b);
  }
  static float32x4_t SmallerOf(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcltq_f32(a, b), a, b);
  }
  static Vector Max(Vector a, Vector b) {
    return {LargerOf(a.low, b.low), LargerOf(a.high, b.high)};
  }
  static Vector Min(Vector a, Vector b) {
    return {SmallerOf(a.low, b.low), SmallerOf(a.high, b.high)};
  }
  static Vector Abs(Vector a) { return {vabsq_f32(a.low), vabsq_f32(a.high)}; }
  static Vector Round(Vector a) { return {vrndnq_f32(a.low), vrndnq_f32(a.high)}; }
  static Vector Divide(Vector a, Vector b) {
    return {vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high)};
  }
  static float32x4_t Power2(float32x4_t n) {
    const int32x4_t biased = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(biased, 23));
  }
  static Vector TimesPower2(Vector a, Vector n) {
    return {vmulq_f32(a.low, Power2(n.low)), vmulq_f32(a.high, Power2(n.high))};
  }
  static Vector SelectNegative(Vector x, Vector a, Vector b) {
    return {vbslq_f32(vcltzq_f32(x.low), a.low, b.low),
            vbslq_f32(vcltzq_f32(x.high), a.high, b.high)};
  }
  static float SquareRoot(float x) { return vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0); }
  static float SumOfFour(float32x4_t four) {
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
  }
  float Sum() const { return SumOfFour(vaddq_f32(low, high)); }
  float Maximum() const {
    float32x4_t most = LargerOf(low, high);
    most = LargerOf(most, vextq_f32(most, most, 2));
    most = LargerOf(most, vextq_f32(most, most, 1));
    return vgetq_lane_f32(most, 0);
  }

  /// a - b of integers, as float.
  static Vector Difference(const int32_t* a, const int32_t* b) {
    return {vcvtq_f32_s32(vsubq_s32(vld1q_s32(a), vld1q_s32(b))),
            vcvtq_f32_s32(vsubq_s32(vld1q_s32(a + 4), vld1q_s32(b + 4)))};
  }
  static float32x4_t LargerBits(float32x4_t a, float32x4_t b) {
    return vreinterpretq_f32_s32(vmaxq_s32(vreinterpretq_s32_f32(a), vreinterpretq_s32_f32(b)));
  }
  static Vector LargerMagnitude(Vector a, Vector b) {
    return {LargerBits(vabsq_f32(a.low), vabsq_f32(b.low)),
            LargerBits(vabsq_f32(a.high), vabsq_f32(b.high))};
  }
  float LargestMagnitude() const {
    const int32_t most = vmaxvq_s32(vreinterpretq_s32_f32(LargerBits(low, high)));
    return vget_lane_f32(vreinterpret_f32_s32(vdup_n_s32(most)), 0);
  }
  void StoreBytes(uint8_t* p) const {
    const int16x8_t shorts = vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(low)),  //
                                          vqmovn_s32(vcvtnq_s32_f32(high)));
    vst1_s8((int8_t*)p, vqmovn_s16(shorts));
  }
  static void ScaleToBytes(size_t count, const float* in, Vector factor, uint8_t* out) {
    for (size_t i = 0; i < count; i += kWidth) (Load(in + i) * factor).StoreBytes(out + i);
  }
  static Vector KeepFirst(Vector a, size_t n, float other) {
    static const uint32_t kLanes[kWidth] = {0, 1, 2, 3, 4, 5, 6, 7};
    const uint32x4_t end = vdupq_n_u32((uint32_t)n);
    return {vbslq_f32(vcltq_u32(vld1q_u32(kLanes), end), a.low, vdupq_n_f32(other)),
            vbslq_f32(vcltq_u32(vld1q_u32(kLanes + 4), end), a.high, vdupq_n_f32(other))};
  }
  static float32x4_t LowHalvesOf(uint32x4_t pairs) {
    return vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16));
  }
  static float32x4_t HighHalvesOf(uint32x4_t pairs) {
    return vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xFFFF0000U)));
  }
  static Vector LowHalves(const uint32_t* pairs) {
    return {LowHalvesOf(vld1q_u32(pairs)), LowHalvesOf(vld1q_u32(pairs + 4))};
  }
  static Vector HighHalves(const uint32_t* pairs) {
    return {HighHalvesOf(vld1q_u32(pairs)), HighHalvesOf(vld1q_u32(pairs + 4))};
  }
  static void TransposeFour(const float* in, size_t in_stride, float* out, size_t out_stride) {
    const float32x4x2_t upper = vtrnq_f32(vld1q_f32(in), vld1q_f32(in + in_stride));
    const float32x4x2_t lower =
        vtrnq_f32(vld1q_f32(in + 2 * in_stride), vld1q_f32(in + 3 * in_stride));
    for (size_t i = 0; i < 2; ++i) {
      vst1q_f32(out + i * out_stride,
                vcombine_f32(vget_low_f32(upper.val[i]), vget_low_f32(lower.val[i])));
      vst1q_f32(out + (i + 2) * out_stride,
                vcombine_f32(vget_high_f32(upper.val[i]), vget_high_f32(lower.val[i])));
    }
  }
  static void TransposeBlock(const float* in, size_t in_stride, float* out, size_t out_stride) {
    for (size_t i = 0; i < kWidth; i += 4) {
      for (size_t j = 0; j < kWidth; j += 4) {
        TransposeFour(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
      }
    }
  }
  static uint16x4_t BFloat16Of(float32x4_t x) {
    // Adding half of the last kept bit, and that bit itself where exactly half is cut off.
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
    // Not a number stays so: the addition could carry its payload away.
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x00400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(x, x), rounded, quiet), 16);
  }
  void StoreBFloat16(uint16_t* p) const {
    vst1q_u16(p, vcombine_u16(BFloat16Of(low), BFloat16Of(high)));
  }
};
