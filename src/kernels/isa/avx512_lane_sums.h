// Sums across lanes of sixteen integers.
//
// Included inside an anonymous namespace by the files compiled for AVX-512.

/// out[i] = sum of the lanes of sums[i], for four of them.
inline void StoreLaneSums(const __m512i* sums, int32_t* out) {
  __m256i half[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    half[i] =
        _mm256_add_epi32(_mm512_castsi512_si256(sums[i]), _mm512_extracti64x4_epi64(sums[i], 1));
  }
  const __m256i pairs =
      _mm256_hadd_epi32(_mm256_hadd_epi32(half[0], half[1]), _mm256_hadd_epi32(half[2], half[3]));
  const __m128i totals =
      _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128((__m128i*)out, totals);
}
