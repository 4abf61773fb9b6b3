#include "inputs/line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "siglip/error.hpp"

namespace siglip::cli {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kMaxLineBytes = size_t{64} << 10;
constexpr int kLookAtStopMilliseconds = 100;

struct ByteOrderMark {
  std::string_view bytes;
  std::string_view encoding;
};

/// Longer ones first: that of UTF-32 begins with that of UTF-16.
constexpr std::array kByteOrderMarks = {
    ByteOrderMark{{"\xFF\xFE\x00\x00", 4}, "UTF-32"},
    ByteOrderMark{{"\x00\x00\xFE\xFF", 4}, "UTF-32"},
    ByteOrderMark{"\xEF\xBB\xBF", "UTF-8"},
    ByteOrderMark{"\xFF\xFE", "UTF-16"},
    ByteOrderMark{"\xFE\xFF", "UTF-16"},
};

}  // namespace

LineReader::LineReader(const std::string& path, ListKind kind, const std::atomic<bool>& stop)
    : name_(path == "-" ? "standard input" : path), kind_(kind), stop_(stop) {
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
  if (!begun_) TakeByteOrderMark();
  const char separator = kind_ == ListKind::kNullPaths ? '\0' : '\n';
  while (true) {
    size_t end = buffer_.find(separator, begin_);
    const std::string_view found = std::string_view(buffer_).substr(begin_, end - begin_);
    if (separator != '\0') CheckNoNull(found);
    // Whether or not its end has been read: how much a read brings is chance.
    if (found.size() > kMaxLineBytes) {
      throw Error(ErrorCode::kLimitExceeded,
                  name_ + ": a line of more than " + std::to_string(kMaxLineBytes) + " bytes",
                  kind_ == ListKind::kTexts ? "a list has one text per line"
                  : kind_ == ListKind::kPaths
                      ? "a list has one path per line, or with --null (-0) a NUL after each"
                      : "with --null (-0) a list has a NUL after each path");
    }
    if (end == std::string::npos) {
      if (ReadMore()) continue;
      if (stop_ || begin_ == buffer_.size()) return std::nullopt;
      end = buffer_.size();  // the last line lacks its end
    }
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = std::min(end + 1, buffer_.size());
    if (separator != '\0' && line.ends_with('\r')) line.pop_back();
    if (!line.empty()) return line;
  }
}

/// Waits for no more bytes than can tell: whoever writes the list may wait for the first answer.
void LineReader::TakeByteOrderMark() {
  const auto may_begin_with = [this](const ByteOrderMark& mark) {
    return buffer_.size() < mark.bytes.size() && mark.bytes.starts_with(buffer_);
  };
  while (std::ranges::any_of(kByteOrderMarks, may_begin_with)) {
    if (!ReadMore()) break;
  }
  if (stop_) return;
  begun_ = true;
  const auto* const mark = std::ranges::find_if(kByteOrderMarks, [this](const auto& candidate) {
    return buffer_.starts_with(candidate.bytes);
  });
  if (mark == kByteOrderMarks.end()) return;
  if (mark->encoding != "UTF-8") {
    const std::string encoding(mark->encoding);
    throw Error(ErrorCode::kUnsupported,
                name_ + ": expected UTF-8, found the byte order mark of " + encoding,
                "save it as UTF-8, or convert it: iconv -f " + encoding + " -t UTF-8");
  }
  begin_ = mark->bytes.size();
}

void LineReader::CheckNoNull(std::string_view line) const {
  if (line.find('\0') == std::string_view::npos) return;
  if (kind_ == ListKind::kPaths) {
    throw Error(ErrorCode::kMalformedFile, name_ + ": a NUL byte in a list of one path per line",
                "--null (-0) reads lists with a NUL after each path, as find -print0 writes them");
  }
  throw Error(ErrorCode::kMalformedFile, name_ + ": a NUL byte in a list of one text per line",
              "expected text in UTF-8; is it UTF-16?");
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
