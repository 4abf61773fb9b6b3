// ZIP archives without compression (PKWARE's APPNOTE.TXT), of any size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"

namespace siglip {

/// A file in an archive.
struct ZipEntry {
  std::string name;
  uint64_t size = 0;
  uint64_t offset = 0;  ///< Of its header, which its bytes follow.
  uint32_t crc = 0;     ///< Of its bytes.
};

/// What precedes a file's bytes.
std::string ZipHeader(const ZipEntry& entry);

/// What ends an archive: the list of its files, which begins at `begin`.
std::string ZipDirectory(std::span<const ZipEntry> entries, uint64_t begin);

class ZipWriter {
 public:
  explicit ZipWriter(AtomicFile& output) : output_(output) {}

  /// Begins a file of exactly `size` bytes, all of which must be written before the next one.
  void Begin(const std::string& name, uint64_t size);
  void Write(std::string_view bytes);
  void Write(std::span<const std::byte> bytes) {
    Write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  /// Writes the directory; to be called last.
  void Finish();

 private:
  void EndEntry();

  AtomicFile& output_;
  std::vector<ZipEntry> entries_;
};

}  // namespace siglip
