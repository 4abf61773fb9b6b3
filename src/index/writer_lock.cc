#include "index/writer_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

/// What its holder has written into it.
std::string HolderOf(int file) {
  std::array<char, 200> text;
  const ssize_t length = ::pread(file, text.data(), text.size(), 0);
  const std::string holder(text.data(), length < 0 ? 0 : static_cast<size_t>(length));
  return holder.substr(0, holder.find('\n'));
}

void WriteHolder(int file) {
  std::array<char, 65> host = {};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = "process " + std::to_string(::getpid()) + " on " + host.data() + "\n";
  // For messages only: the lock holds without.
  if (::ftruncate(file, 0) == 0) (void)!::pwrite(file, text.data(), text.size(), 0);
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& folder) {
  const std::string path = folder / "writer.lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) {
    throw Error(ErrorCode::kIo, path + ": cannot make the lock file: " + std::strerror(errno));
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    WriteHolder(file_);
    return;
  }
  const int reason = errno;
  const std::string holder = HolderOf(file_);
  ::close(file_);
  if (reason != EWOULDBLOCK) {
    throw Error(ErrorCode::kIo, path + ": cannot lock it: " + std::strerror(reason));
  }
  throw Error(ErrorCode::kIo,
              folder.string() + ": the index is being changed by " +
                  (holder.empty() ? "another process" : holder),
              "wait for it; searching goes on meanwhile");
}

WriterLock::WriterLock(WriterLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

WriterLock::~WriterLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace siglip
