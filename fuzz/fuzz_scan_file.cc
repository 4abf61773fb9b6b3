// Scan files: whatever the bytes, an Error or records that can be read and added to.
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/content_hash.h"
#include "index/scan_file.h"
#include "siglip/error.hpp"

namespace {

constexpr size_t kDimensionsOffset = 12;
constexpr size_t kUuidOffset = 16;
constexpr size_t kHashOffset = 56;

void Check(const std::filesystem::path& path, const std::string& bytes,
           const siglip::ScanSpace& space) {
  std::ofstream(path, std::ios::binary) << bytes;
  const siglip::ScanFileWriter writer(path, space);
  try {
    int64_t rows = 0;
    int64_t last_id = 0;
    {
      const auto file = siglip::ScanFile::Open(path, space);
      int64_t sum = 0;
      for (int64_t row = 0; row < file.rows(); ++row) {
        for (size_t i = 0; i < file.record_bytes(); ++i) sum += file.record(row)[i];
        if (file.id(row) <= last_id || !(file.scale(row) >= 0) || !(file.residual(row) >= 0)) {
          std::abort();
        }
        last_id = file.id(row);
      }
      if (sum == INT64_MAX || file.last_id() != last_id) std::abort();
      rows = file.rows();
    }
    const std::vector<uint16_t> halves(static_cast<size_t>(space.dimensions), 0x3C00);
    std::optional<siglip::ScanRow> next = siglip::ScanRow{INT64_MAX, halves};
    if (last_id == INT64_MAX) next.reset();
    const int64_t added = next ? 1 : 0;
    writer.Append([&] { return std::exchange(next, std::nullopt); });
    if (siglip::ScanFile::Open(path, space).rows() != rows + added) std::abort();
  } catch (const siglip::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("fuzz-scan-file-" + std::to_string(::getpid()));
  std::string bytes(reinterpret_cast<const char*>(data), size);
  siglip::ScanSpace space = {.uuid = {}, .dimensions = 3};
  space.uuid.fill(0xAB);
  Check(path, bytes, space);
  // Again as a file of the space that it names, with the hash that it should have.
  if (size >= kHashOffset + sizeof(siglip::ContentHash)) {
    uint32_t dimensions = 0;
    std::memcpy(&dimensions, data + kDimensionsOffset, sizeof(dimensions));
    dimensions = 1 + (dimensions - 1) % 1024;
    space.dimensions = dimensions;
    std::memcpy(bytes.data() + kDimensionsOffset, &dimensions, sizeof(dimensions));
    std::memcpy(space.uuid.data(), data + kUuidOffset, space.uuid.size());
    const auto hash = siglip::HashContent(std::as_bytes(std::span(bytes)).first(kHashOffset));
    std::memcpy(bytes.data() + kHashOffset, hash.data(), hash.size());
    Check(path, bytes, space);
  }
  std::filesystem::remove(path);
  return 0;
}
