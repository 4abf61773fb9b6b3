// Lines of a list, one by one, as they arrive.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siglip::cli {

/// What the entries of a list are and what stands behind each.
enum class ListKind : uint8_t {
  kTexts,      ///< Texts or labels, one per line.
  kPaths,      ///< Paths, one per line.
  kNullPaths,  ///< Paths with a NUL behind each, as find -print0 writes them.
};

class LineReader {
 public:
  /// Reads the file, or standard input for "-". While it waits for input, it looks at `stop`.
  /// Throws Error(kNotFound) or Error(kIo) when it cannot be opened.
  LineReader(const std::string& path, ListKind kind, const std::atomic<bool>& stop);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// The next entry that is not empty, without its end ("\n", "\r\n" or NUL); nothing at the end of
  /// the list or when asked to stop. A byte order mark of UTF-8 at the beginning is no part of it.
  /// Throws Error(kIo), Error(kLimitExceeded) for a line that is too long to be a path,
  /// Error(kUnsupported) for a list in UTF-16 or UTF-32, known by their marks, and
  /// Error(kMalformedFile) for a NUL within a line.
  std::optional<std::string> Next();

 private:
  bool ReadMore();
  void TakeByteOrderMark();
  void CheckNoNull(std::string_view line) const;

  const std::string name_;
  const ListKind kind_;
  const std::atomic<bool>& stop_;
  int file_ = -1;
  std::string buffer_;
  size_t begin_ = 0;  // where the next line begins in buffer_
  bool begun_ = false;
};

}  // namespace siglip::cli
