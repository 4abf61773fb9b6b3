// GGUF files: whatever the bytes, an Error or tensors that lie in the file and can be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "siglip/error.hpp"
#include "weights/gguf_config.h"
#include "weights/gguf_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const siglip::GgufHeader header = siglip::ParseGgufHeader(bytes, "fuzz");
    for (const siglip::GgufTensor& tensor : header.tensors) {
      if (tensor.begin > size || tensor.bytes > size - tensor.begin) std::abort();
      if (!siglip::IsReadable(*tensor.type)) continue;
      std::vector<float> values(static_cast<size_t>(siglip::ElementCount(tensor.shape)));
      siglip::ReadGgufTensor(bytes, tensor, 0, values);
    }
    siglip::GgufVisionConfig(header.metadata, "fuzz");
  } catch (const siglip::Error&) {
  }
  return 0;
}
