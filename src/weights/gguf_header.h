// The header of a GGUF file (llama.cpp, docs/gguf.md): metadata and tensors, versions 2 and 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "siglip/tensor.hpp"

namespace siglip {

/// How ggml stores elements: `block_elements` of them in `block_bytes` bytes.
struct GgmlType {
  uint32_t number;
  const char* name;
  int64_t block_elements;
  int64_t block_bytes;
};

struct GgufTensor {
  std::string name;
  const GgmlType* type = nullptr;
  Shape shape;         ///< Outermost extent first, the reverse of the file's order.
  uint64_t begin = 0;  ///< Where its data begin in the file.
  uint64_t bytes = 0;
};

struct GgufHeader {
  /// Numbers, booleans, texts and short lists. Long lists, such as vocabularies, are null.
  Json metadata = Json::object();
  std::vector<GgufTensor> tensors;  ///< In the order of the file.
};

/// Checks everything the format demands of `file`, a whole file. `name` is what errors call it.
/// Throws Error(kMalformedFile), or Error(kUnsupported) for another version, byte order or type.
GgufHeader ParseGgufHeader(std::span<const std::byte> file, const std::string& name);

/// Elements `first`, `first` + 1, ... of a tensor of type F32, F16, BF16, F64 or Q8_0 as float.
/// `file` is the one its header was read from.
void ReadGgufTensor(std::span<const std::byte> file, const GgufTensor& tensor, int64_t first,
                    std::span<float> values);
/// Whether ReadGgufTensor knows the type.
bool IsReadable(const GgmlType& type);

}  // namespace siglip
