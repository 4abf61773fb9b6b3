// SHA-1 (FIPS 180-4), for what git names by it; no protection against those who choose the bytes.
#pragma once

#include "base/block_hash.h"

namespace siglip {

/// A hash of bytes added piece by piece; Finish gives its 40 hexadecimal digits.
class Sha1 : public BlockHash<5> {
 public:
  Sha1();
};

}  // namespace siglip
