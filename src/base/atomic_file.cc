#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "base/write_fully.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kPieceBytes = size_t{16} << 20;  // written between two looks at `stop`
// File systems allow names of 255 bytes; the rest is for what TemporaryName appends.
constexpr size_t kLongestStem = 200;
constexpr std::string_view kMark = ".tmp.siglip-";
constexpr int kAttempts = 1000;
constexpr int kMostLinks = 40;  // as the kernel follows

Error IoError(const std::filesystem::path& path, const char* action) {
  return Error(ErrorCode::kIo, path.string() + ": cannot " + action + ": " + std::strerror(errno));
}

/// What the temporary names of `target` begin with.
std::string TemporaryPrefix(const std::filesystem::path& target) {
  return target.filename().string().substr(0, kLongestStem) + std::string(kMark);
}

/// A new name in the folder of `target`, different with every call.
std::filesystem::path TemporaryName(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter = 0;
  return target.parent_path() /
         (TemporaryPrefix(target) + std::to_string(::getpid()) + "-" + std::to_string(counter++));
}

/// Whether TemporaryName makes such names, of a target whose names begin with `prefix`.
bool IsTemporaryName(std::string_view name, std::string_view prefix) {
  const size_t mark = name.rfind(kMark);
  if (!name.starts_with(prefix) || mark == std::string_view::npos) return false;
  const std::string_view numbers = name.substr(mark + kMark.size());
  return std::ranges::count(numbers, '-') == 1 &&
         numbers.find_first_not_of("0123456789-") == std::string_view::npos;
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

bool IsThere(const std::filesystem::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0;
}

Error Exists(const std::filesystem::path& target) {
  return Error(ErrorCode::kInvalidArgument, target.string() + ": the output already exists",
               "--force replaces it");
}

/// Reads until `bytes` are full or the file ends; how many that are, or -1.
ssize_t ReadFully(int file, std::span<std::byte> bytes, off_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(file, bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

bool HasSameBytes(const std::filesystem::path& path, int file) {
  const int other = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (other < 0) return false;
  std::vector<std::byte> ours(kBufferBytes);
  std::vector<std::byte> theirs(kBufferBytes);
  bool same = true;
  bool more = true;
  for (off_t offset = 0; same && more; offset += static_cast<off_t>(kBufferBytes)) {
    const ssize_t count = ReadFully(file, ours, offset);
    same = count >= 0 && ReadFully(other, theirs, offset) == count && ours == theirs;
    more = count == static_cast<ssize_t>(kBufferBytes);
  }
  ::close(other);
  return same;
}

/// Whether `path` is a name of the open file.
bool IsNameOf(const std::filesystem::path& path, int file) {
  struct stat named = {};
  struct stat opened = {};
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(file, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

bool IsRemoved(int file) {
  struct stat status = {};
  return ::fstat(file, &status) == 0 && status.st_nlink == 0;
}

/// Whoever gets the lock of a temporary file that has still its name knows that its writer is gone:
/// the kernel frees locks when a process ends, however that happens.
void RemoveIfAbandoned(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return;
  struct stat status = {};
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
      ::flock(file, LOCK_EX | LOCK_NB) == 0 && IsNameOf(path, file)) {
    ::unlink(path.c_str());
  }
  ::close(file);
}

/// Best effort: what cannot be listed or opened stays.
void RemoveAbandoned(const std::filesystem::path& folder, std::string_view prefix) {
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, failure);
  while (!failure && entry != std::filesystem::directory_iterator()) {
    if (IsTemporaryName(entry->path().filename().string(), prefix)) {
      RemoveIfAbandoned(entry->path());
    }
    entry.increment(failure);
  }
}

void Remove(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw IoError(path, "remove");
}

/// Makes the rename last through a power cut. Best effort: some file systems refuse it.
void SyncFolder(const std::filesystem::path& folder) {
  const char* name = folder.empty() ? "." : folder.c_str();
  const int descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

/// How kernels and file systems say that they do not know an operation.
bool IsRefusal(int reason) {
  return reason == EINVAL || reason == ENOSYS || reason == EPERM || reason == EOPNOTSUPP;
}

}  // namespace

void ThrowIfStopped(const std::atomic<bool>* stop) {
  if (stop != nullptr && *stop) throw Error(ErrorCode::kCancelled, "interrupted");
}

void RemoveAbandonedFiles(const std::filesystem::path& folder) { RemoveAbandoned(folder, ""); }

AtomicFile::AtomicFile(std::filesystem::path target, const WriteOptions& options)
    : target_(std::move(target)), options_(options) {
  const std::optional<mode_t> permissions = PermissionsToKeep(target_);
  target_ = FollowLinks(std::move(target_));
  RemoveAbandoned(target_.parent_path(), TemporaryPrefix(target_));
  Create();
  // Best effort: not every file system has permissions.
  if (permissions) static_cast<void>(::fchmod(file_, *permissions));
}

void AtomicFile::Create() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    temporary_ = TemporaryName(target_);
    file_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ >= 0) {
      // Somebody who looks for abandoned files may find this one before it is locked. Where there
      // are no locks nobody removes anything.
      const bool is_taken = ::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (!is_taken && !IsRemoved(file_)) return;
      ::close(std::exchange(file_, -1));
    } else if (errno != EEXIST) {  // which is a file of another machine or container
      break;
    }
  }
  throw IoError(target_, "create");
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (file_ >= 0) ::close(file_);
}

void AtomicFile::Write(std::span<const std::byte> bytes) {
  ThrowIfStopped(options_.stop);
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
  AtomicFile* const self = this;
  CommitTogether({&self, 1});
}

void AtomicFile::CommitTogether(std::span<AtomicFile* const> files,
                                std::span<const std::filesystem::path> obsolete) {
  for (AtomicFile* file : files) file->Flush();
  for (AtomicFile* file : files) file->Sync();
  if (files.back()->options_.replace) {
    if (files.size() > 1) Remove(files.back()->target_);
    for (const std::filesystem::path& path : obsolete) Remove(path);
    for (AtomicFile* file : files) file->Place();
  } else {
    for (const AtomicFile* file : files) {
      if (IsThere(file->target_) && !HasSameBytes(file->target_, file->file_)) {
        throw Exists(file->target_);
      }
    }
    size_t placed = 0;
    try {
      for (; placed < files.size(); ++placed) files[placed]->PlaceWithoutReplacing();
    } catch (...) {
      while (placed > 0) files[--placed]->TakeBack();
      throw;
    }
  }
  std::set<std::filesystem::path> folders;
  for (AtomicFile* file : files) folders.insert(file->target_.parent_path());
  std::ranges::for_each(folders, SyncFolder);
  for (AtomicFile* file : files) ::close(std::exchange(file->file_, -1));
}

void AtomicFile::Flush() {
  WriteAll(buffer_.data(), buffer_.size(), written_ - buffer_.size());
  buffer_.clear();
}

void AtomicFile::Sync() {
  ThrowIfStopped(options_.stop);
  if (::fsync(file_) != 0) throw IoError(target_, "flush");
  ThrowIfStopped(options_.stop);
}

void AtomicFile::Place() {
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw IoError(target_, "rename to");
  temporary_.clear();
}

void AtomicFile::PlaceWithoutReplacing() {
  const char* const from = temporary_.c_str();
  const char* const to = target_.c_str();
  int failure = ::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (IsRefusal(failure)) {
    failure = ::link(from, to) == 0 ? 0 : errno;
    if (failure == 0) static_cast<void>(::unlink(from));
  }
  if (IsRefusal(failure)) {  // no links either: all that is left is to look
    if (!IsThere(target_)) return Place();
    failure = EEXIST;
  }
  if (failure == EEXIST) {
    if (!HasSameBytes(target_, file_)) throw Exists(target_);
    static_cast<void>(::unlink(from));
  } else if (failure != 0) {
    errno = failure;
    throw IoError(target_, "rename to");
  }
  temporary_.clear();
}

void AtomicFile::TakeBack() {
  if (IsNameOf(target_, file_)) ::unlink(target_.c_str());
}

void AtomicFile::WriteAll(const std::byte* data, size_t size, size_t offset) {
  while (size > 0) {
    const std::span piece(data, std::min(size, kPieceBytes));
    if (!WriteFully(file_, piece, offset)) throw IoError(target_, "write");
    ThrowIfStopped(options_.stop);
    data += piece.size();
    size -= piece.size();
    offset += piece.size();
  }
}

}  // namespace siglip
