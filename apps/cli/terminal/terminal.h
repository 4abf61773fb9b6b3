// The terminal that the program talks to, where there is one.
#pragma once

#include <cstddef>
#include <string>

namespace siglip::cli {

/// Columns of the terminal behind the stream `file`, or behind standard error where `file` goes
/// elsewhere, as into a pager. Of none that says so: what COLUMNS in the environment says, else 80.
size_t TerminalColumns(int file);

/// A line on standard error that is overwritten by the next one. Where TERM says that the terminal
/// knows no escape sequences, or NO_COLOR that they are not wanted, it does without.
class StatusLine {
 public:
  /// `visible` false: shows nothing.
  explicit StatusLine(bool visible);
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  /// Wipes the line away.
  ~StatusLine();

  bool visible() const { return visible_; }
  /// Cut where the terminal ends; escaped as Printable does.
  void Show(const std::string& text);
  void Wipe();

 private:
  const bool visible_;
  const bool plain_;
  size_t shown_ = 0;  // columns of what is on the screen
};

}  // namespace siglip::cli
