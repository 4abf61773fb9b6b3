// Journals of runs: whatever the bytes, an Error or records that can be read, and are found again.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "output/crc32.h"
#include "output/journal.h"
#include "siglip/error.hpp"

namespace {

constexpr size_t kRowSize = 2;
constexpr size_t kSettings = 16;  // where they begin

using Keys = std::vector<siglip::RowKey>;

Keys Recover(const std::filesystem::path& path) {
  siglip::Journal journal(path, siglip::Journal::Start::kResume, {{"alpha", "white"}}, kRowSize);
  Keys keys;
  journal.Recover([&](const siglip::RowKey& key, uint64_t offset) {
    std::vector<float> row(kRowSize);
    journal.ReadRow(offset, row);
    if (journal.ReadKey(offset) != key) std::abort();
    keys.push_back(key);
  });
  return keys;
}

void Check(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    const Keys keys = Recover(path);
    const auto size = std::filesystem::file_size(path);
    if (!bytes.empty() && size > bytes.size()) std::abort();
    if (Recover(path) != keys || std::filesystem::file_size(path) != size) std::abort();
  } catch (const siglip::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("fuzz-journal-" + std::to_string(::getpid()));
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Check(path, bytes);
  // Again with the check sum that the settings should have, which is hard to come upon.
  uint32_t settings_size = 0;
  if (size >= kSettings) {
    std::memcpy(&settings_size, data + kSettings - 8, sizeof(settings_size));
    const uint32_t sum = siglip::Crc32(std::string_view(bytes).substr(kSettings, settings_size));
    std::memcpy(bytes.data() + kSettings - 4, &sum, sizeof(sum));
    Check(path, bytes);
  }
  std::filesystem::remove(path);
  return 0;
}
