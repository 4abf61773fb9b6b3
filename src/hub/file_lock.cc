// See file_lock.h.
#include "hub/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "base/atomic_file.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts(50);

Error LockError(const std::filesystem::path& path, const char* action) {
  return Error(ErrorCode::kIo, path.string() + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path, const std::atomic<bool>* stop) {
  while (true) {
    // Writable for the group: users who share a cache wait for each other.
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664);
    if (file_ < 0) throw LockError(path, "make the lock file");
    const bool locked = ::flock(file_, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK && errno != EINTR) return;
    struct stat status = {};
    // Some versions of filelock remove the file they held: a lock on it would be nobody else's.
    if (locked && ::fstat(file_, &status) == 0 && status.st_nlink > 0) return;
    ::close(file_);
    ThrowIfStopped(stop);
    if (!locked) std::this_thread::sleep_for(kBetweenAttempts);
  }
}

FileLock::~FileLock() { ::close(file_); }

}  // namespace siglip
