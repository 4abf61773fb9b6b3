// See partial_file.h.
#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "base/write_fully.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

Error IoError(const std::filesystem::path& path, const char* action) {
  return Error(ErrorCode::kIo, path.string() + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace

PartialFile::PartialFile(std::filesystem::path path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file_ < 0) throw IoError(path_, "open");
  struct stat status = {};
  if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file_);
    throw Error(ErrorCode::kIo, path_.string() + ": is no regular file");
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

PartialFile::~PartialFile() { ::close(file_); }

void PartialFile::Append(std::span<const std::byte> bytes) {
  if (!WriteFully(file_, bytes, size_)) throw IoError(path_, "write");
  size_ += bytes.size();
}

void PartialFile::Clear() {
  if (::ftruncate(file_, 0) != 0) throw IoError(path_, "empty");
  size_ = 0;
}

void PartialFile::MoveTo(const std::filesystem::path& target) {
  if (::fsync(file_) != 0) throw IoError(path_, "flush");
  if (::rename(path_.c_str(), target.c_str()) != 0) throw IoError(target, "rename to");
}

}  // namespace siglip
