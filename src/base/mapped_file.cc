#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

const char* InWords(const struct stat& status) {
  return S_ISDIR(status.st_mode) ? "a folder" : "a pipe or device";
}

}  // namespace

MappedFile MappedFile::Open(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) {
    throw Error(errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
                path.string() + ": cannot open: " + std::strerror(errno));
  }
  MappedFile mapped;
  struct stat status = {};
  const bool is_known = ::fstat(file, &status) == 0;
  if (!is_known || !S_ISREG(status.st_mode)) {
    std::string reason = is_known ? "expected a regular file, found " : "cannot be looked at: ";
    reason += is_known ? InWords(status) : std::strerror(errno);
    ::close(file);
    throw Error(ErrorCode::kIo, path.string() + ": " + reason);
  }
  mapped.size_ = static_cast<size_t>(status.st_size);
  if (mapped.size_ != 0) {
    void* data = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file, 0);
    const int reason = errno;
    ::close(file);
    if (data == MAP_FAILED) {
      throw Error(ErrorCode::kIo, path.string() + ": cannot map: " + std::strerror(reason));
    }
    mapped.data_ = static_cast<const std::byte*>(data);
  } else {
    ::close(file);
  }
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::ReleasePages(std::span<const std::byte> range) const {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(range.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(range.data()) + range.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace siglip
