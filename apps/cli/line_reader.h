// Lines of a list, one by one, as they arrive.
#pragma once

#include <atomic>
#include <optional>
#include <string>

namespace siglip::cli {

class LineReader {
 public:
  /// Reads the file, or standard input for "-". While it waits for input, it looks at `stop`.
  /// Throws Error(kNotFound) or Error(kIo) when it cannot be opened.
  LineReader(const std::string& path, const std::atomic<bool>& stop);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// The next line that is not empty, without its end ("\n" or "\r\n"); nothing at the end of the
  /// list or when asked to stop. Throws Error(kIo), or Error(kLimitExceeded) for a line that is too
  /// long to be a path.
  std::optional<std::string> Next();

 private:
  bool ReadMore();

  const std::string name_;
  const std::atomic<bool>& stop_;
  int file_ = -1;
  std::string buffer_;
  size_t begin_ = 0;  // where the next line begins in buffer_
};

}  // namespace siglip::cli
