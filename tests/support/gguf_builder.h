// Makes GGUF files for tests, also ones that lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zip_builder.h"

namespace siglip {

inline std::string GgufText(const std::string& text) {
  return LittleEndianBytes(static_cast<uint64_t>(text.size())) + text;
}

/// A metadata entry: its type's number and the bytes of its value.
inline std::string GgufEntry(const std::string& key, uint32_t type, const std::string& value) {
  return GgufText(key) + LittleEndianBytes(type) + value;
}
inline std::string GgufEntry(const std::string& key, uint32_t value) {
  return GgufEntry(key, 4, LittleEndianBytes(value));
}
inline std::string GgufEntry(const std::string& key, float value) {
  return GgufEntry(key, 6, LittleEndianBytes(value));
}
inline std::string GgufEntry(const std::string& key, bool value) {
  return GgufEntry(key, 7, std::string(1, value ? '\1' : '\0'));
}
inline std::string GgufEntry(const std::string& key, const std::string& value) {
  return GgufEntry(key, 8, GgufText(value));
}

struct TestTensor {
  std::string name = {};
  std::vector<uint64_t> extents = {};  // innermost first, as in the file
  uint32_t type = 0;
  std::string data = {};
  int64_t offset = -1;  // where the data really are unless it is set
};

inline std::string MakeGguf(const std::vector<std::string>& entries,
                            const std::vector<TestTensor>& tensors, uint64_t alignment = 32) {
  const auto pad = [&](std::string& bytes) {
    bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
  };
  std::string file = "GGUF" + LittleEndianBytes(uint32_t{3}) +
                     LittleEndianBytes(static_cast<uint64_t>(tensors.size())) +
                     LittleEndianBytes(static_cast<uint64_t>(entries.size()));
  for (const std::string& entry : entries) file += entry;
  std::string data = {};
  for (const TestTensor& tensor : tensors) {
    pad(data);
    file += GgufText(tensor.name) + LittleEndianBytes(static_cast<uint32_t>(tensor.extents.size()));
    for (uint64_t extent : tensor.extents) file += LittleEndianBytes(extent);
    file += LittleEndianBytes(tensor.type) +
            LittleEndianBytes(tensor.offset < 0 ? static_cast<uint64_t>(data.size())
                                                : static_cast<uint64_t>(tensor.offset));
    data += tensor.data;
  }
  pad(file);
  return file + data;
}

}  // namespace siglip
