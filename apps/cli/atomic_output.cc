#include "atomic_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "siglip/error.h"

namespace siglip::cli {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

bool WriteFully(int file, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = offset < 0 ? ::write(file, bytes.data(), bytes.size())
                                     : ::pwrite(file, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
    if (offset >= 0) offset += count;
  }
  return true;
}

AtomicOutput::AtomicOutput(const std::filesystem::path& path)
    : path_(path), temporary_(path.string() + ".tmp") {
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) Fail("create");
}

AtomicOutput::~AtomicOutput() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicOutput::Write(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kBufferBytes) Flush();
}

void AtomicOutput::WriteAt(uint64_t offset, std::string_view bytes) {
  Flush();
  if (!WriteFully(file_, bytes, static_cast<int64_t>(offset))) Fail("write");
}

void AtomicOutput::Commit() {
  Flush();
  if (::fsync(file_) != 0) Fail("flush");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) Fail("rename to");
  // The bytes are on the disk already: closing cannot lose them.
  ::close(std::exchange(file_, -1));
}

void AtomicOutput::Flush() {
  if (!WriteFully(file_, buffer_, static_cast<int64_t>(flushed_))) Fail("write");
  flushed_ += buffer_.size();
  buffer_.clear();
}

void AtomicOutput::Fail(const char* action) const {
  throw Error(ErrorCode::kIo, path_.string() + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace siglip::cli
