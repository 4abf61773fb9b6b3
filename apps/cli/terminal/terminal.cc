#include "terminal/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <system_error>

#include "output/text.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool IsPlain() { return Environment("TERM") == "dumb" || !Environment("NO_COLOR").empty(); }

}  // namespace

size_t TerminalColumns(int file) {
  for (const int stream : {file, STDERR_FILENO}) {
    winsize size = {};
    if (::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  const std::string_view text = Environment("COLUMNS");
  size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  const bool known = error == std::errc() && end == text.data() + text.size() && columns > 0;
  return known ? columns : 80;
}

StatusLine::StatusLine(bool visible) : visible_(visible), plain_(IsPlain()) {}

StatusLine::~StatusLine() { Wipe(); }

void StatusLine::Show(const std::string& text) {
  if (!visible_) return;
  const std::string line = Printable(text);
  std::string_view rest = line;
  size_t columns = 0;
  // The cursor stays behind the line, within the last column.
  for (; !rest.empty() && columns + 1 < TerminalColumns(STDERR_FILENO); ++columns) {
    TakeCodePoint(rest);
  }
  std::cerr << "\r" << line.substr(0, line.size() - rest.size());
  // Nothing of a longer line before may be left.
  std::cerr << (plain_ ? std::string(shown_ - std::min(shown_, columns), ' ') : "\x1b[K");
  std::cerr << std::flush;
  shown_ = columns;
}

void StatusLine::Wipe() {
  if (shown_ == 0) return;
  std::cerr << "\r" << (plain_ ? std::string(shown_, ' ') + "\r" : "\x1b[K") << std::flush;
  shown_ = 0;
}

}  // namespace siglip::cli
