// Files of embeddings: whatever the bytes, an Error or rows of one width. The first byte says which
// format; of .npy, the second how long the names are, which come first.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "output/embedding_file.h"
#include "output/npy.h"
#include "siglip/error.hpp"

namespace {

constexpr const char* kEndings[] = {".jsonl", ".csv", ".npz", ".safetensors", ".npy"};

void Read(const std::filesystem::path& path) {
  std::optional<size_t> width;
  try {
    siglip::OpenEmbeddingFile(path)->ForEachRow(
        [&](siglip::RowType, const std::string&, std::span<const float> row) {
          if (row.empty() || width.value_or(row.size()) != row.size()) std::abort();
          width = row.size();
        });
  } catch (const siglip::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string ending = kEndings[data[0] % std::size(kEndings)];
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("fuzz-embedding-file-" + std::to_string(::getpid()) + ending);
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (ending == ".npy") {
    const size_t names = std::min<size_t>(data[1], bytes.size() - 1);
    std::ofstream(siglip::NpyNamesPath(path), std::ios::binary) << bytes.substr(1, names);
    bytes.erase(0, 1 + names);
  }
  std::ofstream(path, std::ios::binary) << bytes;
  Read(path);
  std::filesystem::remove(path);
  std::filesystem::remove(siglip::NpyNamesPath(path));
  return 0;
}
