#include "base/fair_mutex.h"

namespace siglip {

void FairMutex::lock() {
  std::unique_lock lock(mutex_);
  // Also where it is free, but the waiter it was left to has not woken up yet.
  if (locked_ || !waiting_.empty()) {
    std::condition_variable& turn = waiting_.emplace_back();
    turn.wait(lock, [&] { return !locked_ && &turn == &waiting_.front(); });
    waiting_.pop_front();
  }
  locked_ = true;
}

void FairMutex::unlock() {
  const std::lock_guard lock(mutex_);
  locked_ = false;
  if (!waiting_.empty()) waiting_.front().notify_one();
}

size_t FairMutex::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace siglip
