#include "line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "siglip/error.h"

namespace siglip::cli {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kMaxLineBytes = size_t{64} << 10;
constexpr int kLookAtStopMilliseconds = 100;

}  // namespace

LineReader::LineReader(const std::string& path, const std::atomic<bool>& stop)
    : name_(path == "-" ? "standard input" : path), stop_(stop) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer where no signal is noticed.
  file_ = path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                      : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file_ < 0) {
    throw Error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                name_ + ": cannot open the list: " + std::strerror(errno));
  }
}

LineReader::~LineReader() { ::close(file_); }

std::optional<std::string> LineReader::Next() {
  while (true) {
    size_t end = buffer_.find('\n', begin_);
    if (end == std::string::npos) {
      if (buffer_.size() - begin_ > kMaxLineBytes) {
        throw Error(ErrorCode::kLimitExceeded,
                    name_ + ": a line of more than " + std::to_string(kMaxLineBytes) + " bytes",
                    "a list has one path per line");
      }
      if (ReadMore()) continue;
      if (stop_ || begin_ == buffer_.size()) return std::nullopt;
      end = buffer_.size();  // the last line lacks its end
    }
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = std::min(end + 1, buffer_.size());
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) return line;
  }
}

bool LineReader::ReadMore() {
  pollfd waiting = {file_, POLLIN, 0};
  while (!stop_) {
    const int ready = ::poll(&waiting, 1, kLookAtStopMilliseconds);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    buffer_.erase(0, begin_);
    begin_ = 0;
    const size_t filled = buffer_.size();
    buffer_.resize(filled + kReadBytes);
    const ssize_t count = ::read(file_, buffer_.data() + filled, kReadBytes);
    const int reason = errno;
    buffer_.resize(filled + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count < 0 && (reason == EINTR || reason == EAGAIN)) continue;
    if (count < 0) {
      throw Error(ErrorCode::kIo, name_ + ": cannot read the list: " + std::strerror(reason));
    }
    return count > 0;
  }
  return false;
}

}  // namespace siglip::cli
