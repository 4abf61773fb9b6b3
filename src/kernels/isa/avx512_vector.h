// Sixteen floats, for elementwise.h, and the dot products of plain AVX-512, for tile.h.
//
// Included inside an anonymous namespace by the files compiled for AVX-512.

struct Vector {
  static constexpr size_t kWidth = 16;
  static constexpr int kByteOffset = 128;
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
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  }
  static Vector Max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vector Min(Vector a, Vector b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vector Abs(Vector a) { return {_mm512_abs_ps(a.v)}; }
  static Vector Round(Vector a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  /// An estimate of 1 / b to 14 bits and one step of Newton's method: a division would take as long
  /// as all the rest of an activation.
  static Vector Divide(Vector a, Vector b) {
    const __m512 estimate = _mm512_rcp14_ps(b.v);
    const __m512 error = _mm512_fnmadd_ps(b.v, estimate, _mm512_set1_ps(1.0F));
    return {_mm512_mul_ps(a.v, _mm512_fmadd_ps(estimate, error, estimate))};
  }
  static Vector TimesPower2(Vector a, Vector n) { return {_mm512_scalef_ps(a.v, n.v)}; }
  static Vector SelectNegative(Vector x, Vector a, Vector b) {
    return {
        _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.v, _mm512_setzero_ps(), _CMP_LT_OQ), b.v, a.v)};
  }
  static float SquareRoot(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
  float Sum() const { return _mm512_reduce_add_ps(v); }
  float Maximum() const { return _mm512_reduce_max_ps(v); }

  /// a - b of integers, as float.
  static Vector Difference(const int32_t* a, const int32_t* b) {
    return {_mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_loadu_si512(a), _mm512_loadu_si512(b)))};
  }
  static Vector LargerMagnitude(Vector a, Vector b) {
    return {_mm512_castsi512_ps(
        _mm512_max_epi32(_mm512_castps_si512(Abs(a).v), _mm512_castps_si512(Abs(b).v)))};
  }
  float LargestMagnitude() const {
    const int bits = _mm512_reduce_max_epi32(_mm512_castps_si512(v));
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits)));
  }
  void StoreBytes(uint8_t* p) const {
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v));
    _mm_storeu_si128((__m128i*)p, _mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)));
  }
  static void ScaleToBytes(size_t count, const float* in, Vector factor, uint8_t* out) {
    // Packing works within lanes of 16 bytes; this puts its groups of four bytes back in order.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const auto integers = [&](size_t i) { return _mm512_cvtps_epi32((Load(in + i) * factor).v); };
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
      const __m512i low = _mm512_packs_epi32(integers(i), integers(i + 16));
      const __m512i high = _mm512_packs_epi32(integers(i + 32), integers(i + 48));
      const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
      _mm512_storeu_si512(out + i, _mm512_xor_si512(bytes, _mm512_set1_epi8((char)0x80)));
    }
    for (; i < count; i += kWidth) (Load(in + i) * factor).StoreBytes(out + i);
  }
  static Vector KeepFirst(Vector a, size_t n, float other) {
    return {_mm512_mask_mov_ps(_mm512_set1_ps(other), Mask(n), a.v)};
  }
  static Vector LowHalves(const uint32_t* pairs) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(pairs), 16))};
  }
  static Vector HighHalves(const uint32_t* pairs) {
    return {_mm512_castsi512_ps(_mm512_maskz_loadu_epi16(0xAAAAAAAAU, pairs))};
  }
  static void TransposeBlock(const float* in, size_t in_stride, float* out, size_t out_stride) {
    __m512 a[16];
    __m512 b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_ps(in + i * in_stride);
      // Within lanes of four: pairs of rows, then pairs of pairs.
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
      b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
      b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
      a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
      a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xEE);
      a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
      a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xEE);
    }
    // Column 4 lane + i of the block is lane `lane` of a[i], a[i + 4], a[i + 8] and a[i + 12].
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m512 low = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
      const __m512 high = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
      const __m512 odd_low = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xDD);
      const __m512 odd_high = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xDD);
      _mm512_storeu_ps(out + i * out_stride, _mm512_shuffle_f32x4(low, high, 0x88));
      _mm512_storeu_ps(out + (i + 4) * out_stride, _mm512_shuffle_f32x4(odd_low, odd_high, 0x88));
      _mm512_storeu_ps(out + (i + 8) * out_stride, _mm512_shuffle_f32x4(low, high, 0xDD));
      _mm512_storeu_ps(out + (i + 12) * out_stride, _mm512_shuffle_f32x4(odd_low, odd_high, 0xDD));
    }
  }
  void StoreBFloat16(uint16_t* p) const {
#if defined(__AVX512BF16__)
    _mm256_storeu_si256((__m256i*)p, (__m256i)_mm512_cvtneps_pbh(v));
#else
    // Adding half of the last kept bit, and that bit itself where exactly half is cut off.
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    // Not a number stays so: the addition could carry its payload away.
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x00400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i chosen = _mm512_mask_mov_epi32(rounded, nan, quiet);
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16)));
#endif
  }

  static __mmask16 Mask(size_t n) { return (__mmask16)((1U << n) - 1U); }
};

struct Float32Dot {
  static constexpr int kLanes = 16;
  static constexpr int kValuesPerWord = 1;
  using Sum = __m512;
  using Value = __m512;
  using Panel = __m512;
  static Sum Zero() { return _mm512_setzero_ps(); }
  static Value Broadcast(const uint32_t* a) { return _mm512_set1_ps(*(const float*)a); }
  static Panel Load(const uint32_t* panel) { return _mm512_loadu_ps((const float*)panel); }
  static void Add(Sum& sum, Value value, Panel panel) { sum = _mm512_fmadd_ps(value, panel, sum); }
  static Sum LoadSum(const void* c, size_t lane) { return _mm512_loadu_ps((const float*)c + lane); }
  static void Store(Sum sum, void* c, size_t lane) { _mm512_storeu_ps((float*)c + lane, sum); }
};
