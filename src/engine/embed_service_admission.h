// Which requests a service of one class takes, and when the others are to come back.
#pragma once

#include <chrono>

namespace siglip {

/// Those who are sent away are given places in a line that begins behind what is queued. They are
/// told to come back a while before it is their turn, so that neither those who are late nor a bad
/// estimate leaves the service idle: half of the longest wait, or half of what the queue holds
/// beside their own items where that is less, so that they meet room. A place is free again when
/// its time has passed.
class EmbedServiceAdmission {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  /// A request that is sent away.
  struct Refused {
    Seconds ahead{0};        ///< The work that lies before it.
    Seconds own{0};          ///< The work that it is.
    Seconds whole_queue{0};  ///< The work that waits when nothing more has room.
  };

  explicit EmbedServiceAdmission(Seconds max_wait) : max_wait_(max_wait) {}

  /// Of a request before which so much work lies.
  bool Admits(Seconds ahead) const { return ahead <= max_wait_; }
  /// When to come back, from 1 to 60 s.
  std::chrono::seconds Book(Clock::time_point now, const Refused& refused);

 private:
  const Seconds max_wait_;
  Clock::time_point line_ends_;  // where the last place given ends
};

}  // namespace siglip
