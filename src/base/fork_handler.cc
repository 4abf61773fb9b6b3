#include "base/fork_handler.h"

#include <pthread.h>

#include <new>
#include <utility>

namespace siglip {
namespace {

/// The handlers of the whole process, since fork() copies all of it.
struct Registry {
  Registry();

  std::mutex mutex;  // also held during fork(), so that the child finds `handlers` whole
  std::list<std::function<void()>> handlers;
};

Registry& TheRegistry() {
  static auto& registry = *new Registry;  // never destroyed: objects with static storage use it
  return registry;
}

void BeforeFork() { TheRegistry().mutex.lock(); }

void AfterForkInParent() { TheRegistry().mutex.unlock(); }

void AfterForkInChild() {
  Registry& registry = TheRegistry();
  for (const std::function<void()>& in_child : registry.handlers) in_child();
  registry.mutex.unlock();
}

Registry::Registry() {
  if (::pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild) != 0) {
    throw std::bad_alloc();
  }
}

}  // namespace

ForkHandler::ForkHandler(std::function<void()> in_child) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registered_ = registry.handlers.insert(registry.handlers.end(), std::move(in_child));
}

ForkHandler::~ForkHandler() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.handlers.erase(registered_);
}

}  // namespace siglip
