#include "image/picture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "siglip/error.hpp"

namespace siglip {
namespace {

class Descriptor {
 public:
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  explicit Descriptor(const std::filesystem::path& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }

 private:
  const int number_;
};

[[noreturn]] void ThrowIo(const std::string& name, const char* what) {
  throw Error(ErrorCode::kIo, name + ": cannot " + what + ": " + std::strerror(errno));
}

/// Its size. Throws unless it is a regular file.
size_t SizeOf(const Descriptor& file, const std::string& name) {
  struct stat status = {};
  if (file.number() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(ErrorCode::kNotFound, name + ": expected a picture, found no such file");
    }
    ThrowIo(name, "open");
  }
  if (::fstat(file.number(), &status) != 0) ThrowIo(name, "read");
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::kIo, name + ": expected a picture, found a folder",
                "name the files inside it");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kIo, name + ": expected a regular file, found a pipe or device",
                "copy its contents to a file first");
  }
  return static_cast<size_t>(status.st_size);
}

}  // namespace

PictureFile::PictureFile(const std::filesystem::path& path, const std::string& name,
                         const DecodeLimits& limits) {
  const Descriptor file(path);
  const size_t size = SizeOf(file, name);
  CheckFileSize(name, size, limits);
  data_ = std::make_unique_for_overwrite<std::byte[]>(size);
  while (size_ < size) {
    const ssize_t count = ::read(file.number(), data_.get() + size_, size - size_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ThrowIo(name, "read");
    if (count == 0) return;  // it has become shorter
    size_ += static_cast<size_t>(count);
  }
}

void CheckFileSize(const std::string& name, size_t size, const DecodeLimits& limits) {
  if (size <= static_cast<uintmax_t>(limits.max_file_bytes)) return;
  throw Error(ErrorCode::kLimitExceeded,
              name + ": expected at most " + std::to_string(limits.max_file_bytes) +
                  " bytes, found " + std::to_string(size),
              "--max-file-bytes raises the limit");
}

}  // namespace siglip
