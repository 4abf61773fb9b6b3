// The inner loop of SHA-256, once for any CPU and once for those with instructions for it. Plain C
// declarations only: this header is included by files compiled for instructions the CPU may lack.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace siglip {

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
extern const uint32_t kSha256Constants[64];

/// Take `count` blocks of 64 bytes into the state of eight words.
void Sha256CompressGeneric(uint32_t* state, const unsigned char* blocks, size_t count);
#if defined(__x86_64__)
/// With the SHA extensions, see HasShaExtensions.
void Sha256CompressShaNi(uint32_t* state, const unsigned char* blocks, size_t count);
#endif

}  // namespace siglip
