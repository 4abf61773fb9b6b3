// See byte_reader.h.
#include "weights/byte_reader.h"

#include <bit>

#include "base/file_kind.h"

namespace siglip {

static_assert(std::endian::native == std::endian::little);

void ByteReader::ThrowTooShort(uint64_t count) const {
  throw CutShort(*name_, std::to_string(count) + " bytes expected at position " +
                             std::to_string(position_) + ", found " + std::to_string(remaining()));
}

}  // namespace siglip
