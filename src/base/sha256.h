// SHA-256 (FIPS 180-4).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/block_hash.h"

namespace siglip {

/// A hash of bytes added piece by piece; Finish gives its 64 hexadecimal digits.
class Sha256 : public BlockHash<8> {
 public:
  /// With the instructions that this CPU has.
  Sha256();
  /// With a certain implementation, of sha256_compress.h.
  explicit Sha256(Compress compress);
};

/// Of a text as a whole.
std::string Sha256Of(std::string_view text);

/// Whether this is what Finish could have given: 64 digits, the letters lower-case.
bool IsSha256(std::string_view digits);

}  // namespace siglip
