// See sha256.h. The names of the steps are those of FIPS 180-4.
#include "base/sha256.h"

#include <bit>
#include <cstring>

#include "base/cpu_features.h"
#include "base/sha256_compress.h"

namespace siglip {
namespace {

/// The first 32 bits of the fractional parts of the square roots of the first 8 primes.
constexpr Sha256::State kSha256Initial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

BlockHash<8>::Compress BestCompress() {
#if defined(__x86_64__)
  if (HasShaExtensions()) return Sha256CompressShaNi;
#endif
  return Sha256CompressGeneric;
}

}  // namespace

const uint32_t kSha256Constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

void Sha256CompressGeneric(uint32_t* state, const unsigned char* blocks, size_t count) {
  for (; count > 0; --count, blocks += Sha256::kBlock) {
    std::array<uint32_t, 64> w;
    for (size_t t = 0; t < 16; ++t) w[t] = BigEndianWord(blocks + 4 * t);
    for (size_t t = 16; t < 64; ++t) {
      const uint32_t sigma0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
      const uint32_t sigma1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
      w[t] = w[t - 16] + sigma0 + w[t - 7] + sigma1;
    }
    Sha256::State s;
    std::memcpy(s.data(), state, sizeof(s));
    auto& [a, b, c, d, e, f, g, h] = s;
    for (size_t t = 0; t < 64; ++t) {
      const uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const uint32_t choice = (e & f) ^ (~e & g);
      const uint32_t t1 = h + sum1 + choice + kSha256Constants[t] + w[t];
      const uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + sum0 + majority;
    }
    for (size_t i = 0; i < s.size(); ++i) state[i] += s[i];
  }
}

Sha256::Sha256() : Sha256(BestCompress()) {}

Sha256::Sha256(Compress compress) : BlockHash(kSha256Initial, compress) {}

std::string Sha256Of(std::string_view text) {
  Sha256 hash;
  hash.Add(text);
  return hash.Finish();
}

bool IsSha256(std::string_view digits) {
  return digits.size() == 64 &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace siglip
