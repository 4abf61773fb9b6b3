// ZIP archives without compression (PKWARE's APPNOTE.TXT), of any size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/atomic_file.h"

namespace siglip::cli {

class ZipWriter {
 public:
  explicit ZipWriter(AtomicFile& output) : output_(output) {}

  /// Begins a file of exactly `size` bytes, all of which must be written before the next one.
  void Begin(const std::string& name, uint64_t size);
  void Write(std::string_view bytes);
  void Write(std::span<const float> values) {
    Write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  /// Writes the directory; to be called last.
  void Finish();

 private:
  struct Entry {
    std::string name;
    uint64_t size = 0;
    uint64_t offset = 0;  // of its local header
    uint32_t crc = 0;
  };

  void EndEntry();

  AtomicFile& output_;
  std::vector<Entry> entries_;
};

}  // namespace siglip::cli
