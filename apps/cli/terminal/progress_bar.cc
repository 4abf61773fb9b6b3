#include "terminal/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings(100);
constexpr size_t kBarColumns = 24;

/// "[####      ] ", nothing where `columns` are too few for it.
std::string Bar(double part, size_t columns) {
  constexpr size_t kLeast = 8;
  constexpr size_t kFrame = 3;
  if (columns < kLeast + kFrame) return "";
  const size_t length = std::min(columns - kFrame, kBarColumns);
  const auto filled = static_cast<size_t>(part * static_cast<double>(length));
  return "[" + std::string(filled, '#') + std::string(length - filled, ' ') + "] ";
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

ProgressBar::ProgressBar(bool visible, Unit unit) : unit_(unit), line_(visible) {}

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
  line_.Wipe();
  std::cerr << Printable(message) << "\n";
}

double ProgressBar::Seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ProgressBar::Draw() {
  const Clock::time_point now = Clock::now();
  if (!line_.visible() || now - drawn_ < kBetweenDrawings) return;
  drawn_ = now;
  line_.Show(Line(TerminalColumns(STDERR_FILENO) - 1));
}

std::string ProgressBar::Rate() const {
  const double rate = static_cast<double>(advanced_) / Seconds();
  switch (unit_) {
    case Unit::kPictures: return FormatNumber(rate, 1) + " pictures/s";
    case Unit::kTexts: return FormatNumber(rate, 1) + " texts/s";
    case Unit::kBytes: break;
  }
  return FormatBytes(static_cast<int64_t>(rate)) + "/s";
}

std::string ProgressBar::Line(size_t columns) const {
  const uint64_t done = advanced_ + skipped_;
  const auto amount = [this](uint64_t count) {
    return unit_ == Unit::kBytes ? FormatBytes(static_cast<int64_t>(count)) : std::to_string(count);
  };
  // A folder that grows meanwhile may hold more than were counted.
  if (!total_ || *total_ < done) return amount(done) + "  " + Rate();
  const std::string count = amount(done) + "/" + amount(*total_) + " ";
  const double part =
      static_cast<double>(done) / static_cast<double>(std::max<uint64_t>(*total_, 1));
  std::string rest = FormatNumber(100 * part, 0) + "%";
  std::string left;
  if (advanced_ > 0) {
    const double seconds_each = Seconds() / static_cast<double>(advanced_);
    left = "  " + FormatDuration(static_cast<double>(*total_ - done) * seconds_each) + " left";
  }
  const auto room = [&](const std::string& text) {
    const size_t taken = count.size() + text.size();
    return columns > taken ? columns - taken : 0;
  };
  // Where there is no room for all, the rate goes first: the time left says what it is wanted for.
  const std::string all = rest + "  " + Rate() + left;
  rest = Bar(part, room(all)).empty() ? rest + left : all;
  return count + Bar(part, room(rest)) + rest;
}

}  // namespace siglip::cli
