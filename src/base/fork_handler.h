// What objects that own threads or locks do in a child of fork().
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace siglip {

/// As long as it lives, every child of fork() calls `in_child` before fork() returns there.
///
/// The one thread of a child is a copy of the one that called fork(). The others are gone, wherever
/// they were: a lock that one of them held stays locked, and what it guards may be half changed.
/// `in_child` puts new objects in their places (MakeAnew). It must not throw, wait for a lock, or
/// make or destroy a ForkHandler.
class ForkHandler {
 public:
  explicit ForkHandler(std::function<void()> in_child);
  ForkHandler(const ForkHandler&) = delete;
  ForkHandler& operator=(const ForkHandler&) = delete;
  ~ForkHandler();

 private:
  std::list<std::function<void()>>::iterator registered_;
};

/// In a child of fork(): a new object in the place of one that cannot even be destroyed, as its
/// destructor would wait for threads that are gone. What it owned is lost.
template <typename T>
void MakeAnew(T& object) {
  std::construct_at(std::addressof(object));
}

/// In a child of fork(): a new lock in the place of `mutex`. Returns whether it was locked: what it
/// guards may be half changed then, and has to be made anew too.
inline bool MakeLockAnew(std::mutex& mutex) {
  const bool was_locked = !mutex.try_lock();
  MakeAnew(mutex);
  return was_locked;
}

}  // namespace siglip
