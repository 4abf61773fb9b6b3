// A lock that processes share through a file, compatible with Python's filelock.
#pragma once

#include <atomic>
#include <filesystem>

namespace siglip {

class FileLock {
 public:
  /// Waits until nobody else holds the lock. Where the file system knows no locks there is none,
  /// and two processes may do the same work. Throws Error(kCancelled) once `*stop` is true, and
  /// Error(kIo) when the file cannot be made.
  FileLock(const std::filesystem::path& path, const std::atomic<bool>* stop);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  /// Leaves the file behind: another process may be waiting for it.
  ~FileLock();

 private:
  int file_ = -1;
};

}  // namespace siglip
