#include "engine/worker_pool.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>

#include "siglip/error.hpp"

namespace siglip {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::Add(Task& task) {
  const std::lock_guard lock(mutex_);
  Start();
  tasks_.push_front({.task = &task});
}

void WorkerPool::Remove(Task& task) {
  std::unique_lock lock(mutex_);
  const auto entry = std::ranges::find(tasks_, &task, &Entry::task);
  if (entry == tasks_.end()) return;
  std::list<Entry> removed;  // where no worker finds it
  removed.splice(removed.end(), tasks_, entry);
  // A worker that looks for steps counts the tasks it has asked, this one perhaps: it looks again.
  ++wakes_;
  left_.wait(lock, [&] { return entry->workers == 0; });
}

void WorkerPool::Wake() {
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
  }
  wake_.notify_one();
}

bool WorkerPool::IsAlone(const Task& task) {
  const std::lock_guard lock(mutex_);
  return std::ranges::none_of(
      tasks_, [&](const Entry& entry) { return entry.task != &task && entry.task->HasWork(); });
}

void WorkerPool::Start() {
  try {
    while (std::ssize(workers_) < threads_) {
      workers_.emplace_back([this, worker = static_cast<int>(workers_.size())] { Work(worker); });
    }
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::kLimitExceeded,
                "threads: the system gave " + std::to_string(workers_.size()) + " of " +
                    std::to_string(threads_) + ": " + error.what(),
                "ask for fewer: --threads");
  }
}

void WorkerPool::ForgetThreads() {
  MakeAnew(mutex_);
  MakeAnew(wake_);
  MakeAnew(left_);
  MakeAnew(tasks_);
  for (std::thread& worker : workers_) MakeAnew(worker);
  workers_.clear();
}

void WorkerPool::Work(int worker) {
  std::unique_lock lock(mutex_);
  uint64_t seen = 0;
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || wakes_ != seen; });
    if (stopping_) return;
    seen = wakes_;
    for (size_t idle = 0; idle < tasks_.size();) {
      idle = StepOfNextTask(lock, worker) ? 0 : idle + 1;
    }
  }
}

bool WorkerPool::StepOfNextTask(std::unique_lock<std::mutex>& lock, int worker) {
  Entry& entry = tasks_.front();
  tasks_.splice(tasks_.end(), tasks_, tasks_.begin());
  ++entry.workers;
  lock.unlock();
  const bool stepped = entry.task->Step(worker);
  lock.lock();
  if (--entry.workers == 0) left_.notify_all();
  return stepped;
}

}  // namespace siglip
