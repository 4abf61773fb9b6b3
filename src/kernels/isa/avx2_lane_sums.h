// Sums across lanes of eight integers.
//
// Included inside an anonymous namespace by the files compiled for AVX2.

/// out[i] = sum of the lanes of sums[i], for four of them.
inline void StoreLaneSums(const __m256i* sums, int32_t* out) {
  const __m256i pairs =
      _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
  const __m128i totals =
      _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128((__m128i*)out, totals);
}
