// Output files that appear whole or not at all.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "siglip/write_options.hpp"

namespace siglip {

/// Throws Error(kCancelled) when `stop` is not null and true.
void ThrowIfStopped(const std::atomic<bool>* stop);

/// Writes to a temporary name in the target's folder; Commit flushes it to the disk and renames it.
/// Destroyed without Commit, it leaves nothing behind. What a process that was killed has left of
/// the same target is removed; the file of a living one is not, since it is locked. A file that is
/// replaced hands on its permissions; where the target is a symbolic link, the file it points to is
/// replaced.
class AtomicFile {
 public:
  /// Throws Error(kIo) when the folder cannot be written, or when the target is there and no
  /// regular file (renaming onto a device would remove the device).
  explicit AtomicFile(std::filesystem::path target, const WriteOptions& options = {});
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
  /// After this the target has exactly the bytes written. Throws Error(kIo), and
  /// Error(kInvalidArgument) when a target that is not to be replaced is there.
  void Commit();

  /// Commits files that belong together, all with the same `replace`. Whenever the process dies,
  /// the last one is missing or belongs to the others: all are flushed; where files are replaced,
  /// the last one's old version is removed, and what is `obsolete` with it; then they are renamed
  /// in their order. Throws as Commit does; then no target that was missing is there.
  static void CommitTogether(std::span<AtomicFile* const> files,
                             std::span<const std::filesystem::path> obsolete = {});

 private:
  void Create();
  void Flush();
  void Sync();
  void Place();
  void PlaceWithoutReplacing();
  void TakeBack();
  void WriteAll(const std::byte* data, size_t size, size_t offset);

  std::filesystem::path target_;
  const WriteOptions options_;
  std::filesystem::path temporary_;  // empty once it is renamed
  int file_ = -1;                    // locked
  size_t written_ = 0;               // including what is still in buffer_
  std::vector<std::byte> buffer_;
};

/// Removes the temporary files in a folder, whatever their targets, whose processes were killed.
void RemoveAbandonedFiles(const std::filesystem::path& folder);

}  // namespace siglip
