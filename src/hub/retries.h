// How long failures that may pass are put up with.
#pragma once

#include <atomic>

#include "siglip/http_transport.hpp"

namespace siglip {

class Retries {
 public:
  explicit Retries(const std::atomic<bool>* stop) : stop_(stop) {}

  /// Waits before the next attempt, longer each time. After the last one throws Error(kIo) with the
  /// failure's text, and Error(kCancelled) once the stop flag is set.
  void Wait(const TransientFailure& failure);
  /// Something went well: counting begins anew.
  void Reset() { failures_ = 0; }

 private:
  const std::atomic<bool>* stop_;
  int failures_ = 0;
};

}  // namespace siglip
