// Headers of safetensors files: whatever the bytes, an Error or entries that tile the data.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "siglip/error.hpp"
#include "weights/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const siglip::SafetensorsHeader header = siglip::ParseSafetensorsHeader(bytes, "fuzz");
    if (header.data_begin > size) std::abort();
    const uint64_t data_bytes = size - header.data_begin;
    uint64_t position = 0;
    for (const siglip::SafetensorsEntry& entry : header.entries) {
      if (entry.begin != position || entry.end < entry.begin) std::abort();
      position = entry.end;
      const auto dtype = siglip::FindDType(entry.dtype);
      if (dtype && static_cast<uint64_t>(siglip::ElementCount(entry.shape) *
                                         siglip::SizeOf(*dtype)) != entry.end - entry.begin) {
        std::abort();
      }
    }
    if (position != data_bytes) std::abort();
  } catch (const siglip::Error&) {
  }
  return 0;
}
