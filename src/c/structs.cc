#include "c/structs.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "siglip/error.hpp"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

// More than any version will need: what is larger was never set.
constexpr size_t kMaxStructSize = 4096;

size_t SizeOfGiven(const void* given, const KnownStruct& known) {
  size_t size = 0;
  std::memcpy(&size, given, sizeof(size));
  // Fields are added in whole alignments, so that none of them is cut in two.
  if (size < sizeof(size) || size > kMaxStructSize || size % known.alignment != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(known.name) + ".struct_size: expected the size of the struct, here " +
                    std::to_string(known.size) + ", found " + std::to_string(size));
  }
  return size;
}

}  // namespace

void ReadStruct(const void* given, const KnownStruct& known, void* read) {
  const size_t size = SizeOfGiven(given, known);
  std::memcpy(read, given, std::min(size, known.size));
  const auto* const bytes = static_cast<const unsigned char*>(given);
  for (size_t i = known.size; i < size; ++i) {
    if (bytes[i] == 0) continue;
    throw Error(ErrorCode::kUnsupported,
                std::string(known.name) + ": a field is set, at byte " + std::to_string(i) +
                    ", that siglip " + std::string(Version()) + " does not know",
                "a newer libsiglip");
  }
}

void WriteStruct(const void* written, const KnownStruct& known, void* given) {
  const size_t size = SizeOfGiven(given, known);
  const size_t both = std::min(size, known.size);
  auto* const bytes = static_cast<unsigned char*>(given);
  std::memcpy(bytes + sizeof(size), static_cast<const unsigned char*>(written) + sizeof(size),
              both - sizeof(size));
  std::memset(bytes + both, 0, size - both);
}

}  // namespace siglip
