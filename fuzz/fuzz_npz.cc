// .npz files: whatever the bytes, an Error or arrays whose elements can be read, from the first to
// the last.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "siglip/error.hpp"
#include "weights/npz_reader.h"
#include "weights/tensor_file.h"

namespace {

void ReadEnds(const siglip::NpzReader& reader, size_t index) {
  const siglip::NpzArray& array = reader.arrays()[index];
  const int64_t count = siglip::ElementCount(array.header.shape);
  // Deflate promises a thousand times its size; what is large is only slow.
  if (!array.dtype || !siglip::IsFloat(*array.dtype) || count > 1 << 16) return;
  std::vector<float> values(static_cast<size_t>(std::min<int64_t>(count, 100)));
  for (const int64_t first : {count - static_cast<int64_t>(values.size()), int64_t{0}}) {
    try {
      reader.Read(index, first, values);
    } catch (const siglip::Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const siglip::NpzReader reader(bytes, "fuzz");
    for (size_t i = 0; i < reader.arrays().size(); ++i) {
      const siglip::ZipMember& member = reader.arrays()[i].member;
      if (member.begin > size || member.stored_bytes > size - member.begin) std::abort();
      ReadEnds(reader, i);
    }
  } catch (const siglip::Error&) {
  }
  return 0;
}
