// Large output files, written piece by piece, that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace siglip::cli {

/// Writes PATH.tmp; Commit flushes it to the disk and renames it. Destroyed without Commit, it
/// leaves nothing behind.
class AtomicOutput {
 public:
  /// Throws Error(kIo), as the rest does.
  explicit AtomicOutput(const std::filesystem::path& path);
  AtomicOutput(const AtomicOutput&) = delete;
  AtomicOutput& operator=(const AtomicOutput&) = delete;
  ~AtomicOutput();

  void Write(std::string_view bytes);
  void Write(std::span<const float> values) {
    Write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  /// Overwrites bytes written before.
  void WriteAt(uint64_t offset, std::string_view bytes);
  /// Bytes written so far.
  uint64_t size() const { return flushed_ + buffer_.size(); }
  void Commit();

 private:
  void Flush();
  [[noreturn]] void Fail(const char* action) const;

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  int file_ = -1;
  uint64_t flushed_ = 0;
  std::string buffer_;
};

/// Writes all of `bytes` at `offset`, or at the current position for a file that has none (-1).
/// Returns false, with errno set, when that fails.
bool WriteFully(int file, std::string_view bytes, int64_t offset);

}  // namespace siglip::cli
