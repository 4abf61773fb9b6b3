// Reads the expected values of tests: a safetensors file, trusted, whole in memory. For tests of
// layers that do not see the library's own reader.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace siglip {

struct GoldenTensor {
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
};

inline std::map<std::string, GoldenTensor> ReadGoldenTensors(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  const std::vector<char> file((std::istreambuf_iterator<char>(stream)), {});
  uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const char* header = file.data() + sizeof header_size;
  const char* data = header + header_size;
  std::map<std::string, GoldenTensor> tensors;
  const auto fields = nlohmann::json::parse(header, data);
  for (const auto& [name, entry] : fields.items()) {
    if (name == "__metadata__") continue;
    const auto offsets = entry.at("data_offsets").get<std::vector<size_t>>();
    tensors[name] = {entry.at("shape").get<std::vector<int64_t>>(),
                     {data + offsets[0], data + offsets[1]}};
  }
  return tensors;
}

}  // namespace siglip
