// Where the time of an embedder's threads goes.
#pragma once

#include <mutex>

#include "base/fork_handler.h"
#include "siglip/embedder.hpp"

namespace siglip {

/// Added up over all threads.
class StageTotals {
 public:
  void Add(const StageSeconds& more) {
    const std::lock_guard lock(mutex_);
    seconds_.read += more.read;
    seconds_.decode += more.decode;
    seconds_.resize += more.resize;
    seconds_.compute += more.compute;
  }
  StageSeconds seconds() const {
    const std::lock_guard lock(mutex_);
    return seconds_;
  }
  /// In a child of fork(), where threads that added something are gone.
  void ForgetThreads() { MakeLockAnew(mutex_); }

 private:
  mutable std::mutex mutex_;
  StageSeconds seconds_;
};

}  // namespace siglip
