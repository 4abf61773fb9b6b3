// See sha1.h. The names of the steps are those of FIPS 180-4. No instructions of the CPU for it:
// what git keeps itself is small, large files have a SHA-256.
#include "base/sha1.h"

#include <bit>

namespace siglip {
namespace {

constexpr Sha1::State kSha1Initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

uint32_t Choice(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
uint32_t Parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }
uint32_t Majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }

void CompressBlocks(uint32_t* state, const unsigned char* blocks, size_t count) {
  for (; count > 0; --count, blocks += Sha1::kBlock) {
    std::array<uint32_t, 80> w;
    for (size_t t = 0; t < 16; ++t) w[t] = BigEndianWord(blocks + 4 * t);
    for (size_t t = 16; t < 80; ++t) {
      w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    const auto rounds = [&](size_t begin, auto function, uint32_t constant) {
      for (size_t t = begin; t < begin + 20; ++t) {
        const uint32_t sum = std::rotl(a, 5) + function(b, c, d) + e + constant + w[t];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = sum;
      }
    };
    rounds(0, Choice, 0x5a827999);
    rounds(20, Parity, 0x6ed9eba1);
    rounds(40, Majority, 0x8f1bbcdc);
    rounds(60, Parity, 0xca62c1d6);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
  }
}

}  // namespace

Sha1::Sha1() : BlockHash(kSha1Initial, CompressBlocks) {}

}  // namespace siglip
