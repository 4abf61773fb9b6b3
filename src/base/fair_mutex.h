// A lock whose waiters get it in the order they came.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>

namespace siglip {

/// For what is held long and taken again at once: std::mutex would give it to the same thread over
/// and over while others wait. Used with std::lock_guard.
class FairMutex {
 public:
  void lock();
  void unlock();
  /// Threads that wait for it now.
  size_t waiting() const;

 private:
  mutable std::mutex mutex_;  // guards what follows
  bool locked_ = false;
  std::list<std::condition_variable> waiting_;  // one per waiter, the first to come in front
};

}  // namespace siglip
