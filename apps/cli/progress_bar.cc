#include "progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "format.h"
#include "text.h"

namespace siglip::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings(100);
constexpr size_t kBarColumns = 24;

size_t TerminalColumns() {
  winsize size = {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

bool WantsProgressBar(bool quiet) { return !quiet && ::isatty(STDERR_FILENO) != 0; }

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(std::ceil(seconds), 0.0, 1e15));
  std::array<char, 48> text;
  if (whole >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld", whole / 60, whole % 60);
  }
  return text.data();
}

ProgressBar::ProgressBar(bool visible, Unit unit) : visible_(visible), unit_(unit) {}

ProgressBar::~ProgressBar() { Wipe(); }

void ProgressBar::SetTotal(uint64_t total) {
  const std::lock_guard lock(mutex_);
  total_ = total;
}

void ProgressBar::Advance() {
  const std::lock_guard lock(mutex_);
  ++advanced_;
  Draw();
}

void ProgressBar::Skip() {
  const std::lock_guard lock(mutex_);
  ++skipped_;
  Draw();
}

void ProgressBar::Show(uint64_t advanced, uint64_t skipped) {
  const std::lock_guard lock(mutex_);
  advanced_ = advanced;
  skipped_ = skipped;
  Draw();
}

void ProgressBar::Print(const std::string& message) {
  const std::lock_guard lock(mutex_);
  Wipe();
  std::cerr << Printable(message) << "\n";
}

double ProgressBar::Seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ProgressBar::Draw() {
  const Clock::time_point now = Clock::now();
  if (!visible_ || now - drawn_ < kBetweenDrawings) return;
  drawn_ = now;
  on_screen_ = true;
  // The cursor stays at the line's end; nothing of a longer line before is left.
  std::cerr << "\r" << Line(TerminalColumns()) << "\x1b[K" << std::flush;
}

void ProgressBar::Wipe() {
  if (on_screen_) std::cerr << "\r\x1b[K" << std::flush;
  on_screen_ = false;
}

std::string ProgressBar::Line(size_t columns) const {
  const uint64_t done = advanced_ + skipped_;
  const double rate = static_cast<double>(advanced_) / Seconds();
  const auto amount = [this](uint64_t count) {
    return unit_ == Unit::kBytes ? FormatBytes(static_cast<int64_t>(count)) : std::to_string(count);
  };
  std::string line = amount(done);
  // A folder that grows meanwhile may hold more than were counted.
  const bool total_known = total_ && *total_ >= done;
  if (total_known) {
    const double part =
        static_cast<double>(done) / static_cast<double>(std::max<uint64_t>(*total_, 1));
    const auto filled = static_cast<size_t>(part * kBarColumns);
    line.append("/").append(amount(*total_)).append(" [");
    line.append(filled, '#').append(kBarColumns - filled, ' ').append("] ");
    line.append(FormatNumber(100 * part, 0)).append("%");
  }
  line += "  ";
  switch (unit_) {
    case Unit::kPictures: line += FormatNumber(rate, 1) + " pictures/s"; break;
    case Unit::kTexts: line += FormatNumber(rate, 1) + " texts/s"; break;
    case Unit::kBytes: line += FormatBytes(static_cast<int64_t>(rate)) + "/s"; break;
  }
  if (total_known && rate > 0) {
    line += "  " + FormatDuration(static_cast<double>(*total_ - done) / rate) + " left";
  }
  return line.substr(0, columns - 1);
}

}  // namespace siglip::cli
