// Which requests a service of one class takes, and when the others are to come back.
#pragma once

#include <chrono>

namespace siglip {

/// Those who are sent away are given places in a line that begins behind what is queued. They are
/// told to come back a while before it is their turn, half of the longest wait, so that neither
/// those who are late nor a bad estimate leaves the service idle. A place is free again when its
/// time has passed.
class EmbedServiceAdmission {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  explicit EmbedServiceAdmission(Seconds max_wait) : max_wait_(max_wait) {}

  /// Of a request before which so much work lies.
  bool Admits(Seconds ahead) const { return ahead <= max_wait_; }
  /// Of one that is sent away, being so much work itself: when to come back, from 1 to 60 s.
  std::chrono::seconds Book(Clock::time_point now, Seconds ahead, Seconds own);

 private:
  const Seconds max_wait_;
  Clock::time_point line_ends_;  // where the last place given ends
};

}  // namespace siglip
