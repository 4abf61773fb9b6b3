// What a person watching a long run sees on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "terminal/terminal.h"

namespace siglip::cli {

/// Messages, and below them a bar with rate and time left if standard error is a terminal. Safe to
/// use from several threads.
class ProgressBar {
 public:
  enum class Unit { kPictures, kTexts, kBytes };
  /// `visible` false: messages only.
  explicit ProgressBar(bool visible, Unit unit = Unit::kPictures);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Once it is known how many there are, the bar can tell how far it is.
  void SetTotal(uint64_t total);
  /// One more is done.
  void Advance();
  /// One more is done, without having taken any time.
  void Skip();
  /// In place of these two, for work that counts for itself: this much is done by now.
  void Show(uint64_t advanced, uint64_t skipped);
  /// A line of its own, escaped as Printable does.
  void Print(const std::string& message);

  double Seconds() const;

 private:
  void Draw();
  std::string Line(size_t columns) const;
  std::string Rate() const;

  using Clock = std::chrono::steady_clock;
  const Unit unit_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;  // guards what follows
  StatusLine line_;
  std::optional<uint64_t> total_;
  uint64_t advanced_ = 0;
  uint64_t skipped_ = 0;
  Clock::time_point drawn_ = start_;
};

/// Whether a bar makes sense: standard error is a terminal, and nobody asked to be left in peace.
bool WantsProgressBar(bool quiet);

/// "1:02:03", "2:03"
std::string FormatDuration(double seconds);

}  // namespace siglip::cli
