// A file that grows over several runs and gets its name when it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace siglip {

class PartialFile {
 public:
  /// Opens what an earlier run has left, or makes an empty file. Throws Error(kIo).
  explicit PartialFile(std::filesystem::path path);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  /// Leaves the file for the next run.
  ~PartialFile();

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }

  /// Throws Error(kIo), e.g. when the disk is full.
  void Append(std::span<const std::byte> bytes);
  void Clear();
  /// Flushes to the disk and renames to `target`. Nothing may be appended after that.
  void MoveTo(const std::filesystem::path& target);

 private:
  std::filesystem::path path_;
  int file_ = -1;
  uint64_t size_ = 0;
};

}  // namespace siglip
