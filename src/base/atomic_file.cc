#include "siglip/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "siglip/error.h"

namespace siglip {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
// File systems allow names of 255 bytes; the rest is for what TemporaryName appends.
constexpr size_t kLongestStem = 200;
constexpr int kAttempts = 1000;
constexpr int kMostLinks = 40;  // as the kernel follows

Error IoError(const std::filesystem::path& path, const char* action) {
  return Error(ErrorCode::kIo, path.string() + ": cannot " + action + ": " + std::strerror(errno));
}

/// A new name in the folder of `target`, different with every call.
std::filesystem::path TemporaryName(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter = 0;
  const std::string stem = target.filename().string().substr(0, kLongestStem);
  return target.parent_path() /
         (stem + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter++));
}

/// Where a symbolic link leads, even to nothing yet; any other path as it is.
std::filesystem::path FollowLinks(std::filesystem::path path) {
  std::error_code failure;
  for (int links = 0; links < kMostLinks; ++links) {
    const std::filesystem::path next = std::filesystem::read_symlink(path, failure);
    if (failure) return path;  // no link
    path = path.parent_path() / next;
  }
  return path;
}

/// The permissions of the file that will be replaced, if there is one.
std::optional<mode_t> PermissionsToKeep(const std::filesystem::path& target) {
  struct stat status = {};
  if (::stat(target.c_str(), &status) != 0) return std::nullopt;
  if (S_ISREG(status.st_mode)) return status.st_mode & 0777;
  throw Error(ErrorCode::kIo, target.string() + ": cannot be written: is " +
                                  (S_ISDIR(status.st_mode) ? "a folder" : "no regular file"));
}

/// Makes the rename last through a power cut. Best effort: some file systems refuse it.
void SyncFolder(const std::filesystem::path& folder) {
  const char* name = folder.empty() ? "." : folder.c_str();
  const int descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
  const std::optional<mode_t> permissions = PermissionsToKeep(target_);
  target_ = FollowLinks(std::move(target_));
  // A process that was killed may have left this name behind; process ids come back, in containers
  // soon.
  for (int attempt = 0; attempt < kAttempts && file_ < 0; ++attempt) {
    temporary_ = TemporaryName(target_);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && errno != EEXIST) break;
  }
  if (file_ < 0) throw IoError(target_, "create");
  // Best effort: not every file system has permissions.
  if (permissions) static_cast<void>(::fchmod(file_, *permissions));
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::Write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() >= kBufferBytes) Flush();
  if (bytes.size() >= kBufferBytes) {
    WriteAll(bytes.data(), bytes.size(), written_);  // as it is: no copy of a large tensor
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  written_ += bytes.size();
}

void AtomicFile::Write(std::string_view text) { Write(std::as_bytes(std::span(text))); }

void AtomicFile::WriteAt(size_t offset, std::span<const std::byte> bytes) {
  if (offset > written_ || bytes.size() > written_ - offset) {
    throw Error(ErrorCode::kInternal, target_.string() + ": overwriting bytes never written");
  }
  Flush();
  WriteAll(bytes.data(), bytes.size(), offset);
}

void AtomicFile::Commit() {
  Flush();
  if (::fsync(file_) != 0) throw IoError(target_, "flush");
  if (::close(std::exchange(file_, -1)) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    errno = reason;
    throw IoError(target_, "close");
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    errno = reason;
    throw IoError(target_, "rename to");
  }
  SyncFolder(target_.parent_path());
}

void AtomicFile::Flush() {
  WriteAll(buffer_.data(), buffer_.size(), written_ - buffer_.size());
  buffer_.clear();
}

void AtomicFile::WriteAll(const std::byte* data, size_t size, size_t offset) {
  while (size > 0) {
    const ssize_t count = ::pwrite(file_, data, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw IoError(target_, "write");
    data += count;
    size -= static_cast<size_t>(count);
    offset += static_cast<size_t>(count);
  }
}

}  // namespace siglip
