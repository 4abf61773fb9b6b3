// Output files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace siglip {

/// Writes to a temporary name in the target's folder; Commit flushes it to the disk and renames it.
/// Destroyed without Commit, it leaves nothing behind. A file that is replaced hands on its
/// permissions; where the target is a symbolic link, the file it points to is replaced.
class AtomicFile {
 public:
  /// Throws Error(kIo) when the folder cannot be written, or when the target is there and no
  /// regular file (renaming onto a device would remove the device).
  explicit AtomicFile(std::filesystem::path target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Throws Error(kIo), e.g. when the disk is full.
  void Write(std::span<const std::byte> bytes);
  void Write(std::string_view text);
  /// Overwrites bytes written before, e.g. a header that counts what follows it. Throws
  /// Error(kInternal) beyond them.
  void WriteAt(size_t offset, std::span<const std::byte> bytes);
  /// Bytes written so far, buffered ones included.
  size_t size() const { return written_; }
  /// After this the target has exactly the bytes written.
  void Commit();

 private:
  void Flush();
  void WriteAll(const std::byte* data, size_t size, size_t offset);

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int file_ = -1;
  size_t written_ = 0;  // including what is still in buffer_
  std::vector<std::byte> buffer_;
};

}  // namespace siglip
