// A query of signed bytes for search.h, all but the product itself.
//
// Included inside an anonymous namespace by the files compiled for 64-bit Arm.

struct SignedBytes {
  static constexpr size_t kWidth = 16;
  using Sum = int32x4_t;
  using Query = int8x16_t;
  static Sum Zero() { return vdupq_n_s32(0); }
  static Query Load(const int8_t* bytes) { return vld1q_s8(bytes); }
  static int32_t Offset(const int8_t* /*query*/, size_t /*size*/) { return 0; }
  static void Store(const Sum* sums, int32_t* out) {
    vst1q_s32(out, vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3])));
  }
};
