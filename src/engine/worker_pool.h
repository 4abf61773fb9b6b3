// Threads that serve several tasks at once, step by step, in turns.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fork_handler.h"

namespace siglip {

class WorkerPool {
 public:
  /// Something that is done in many small steps, by any number of threads.
  class Task {
   public:
    virtual ~Task() = default;
    /// Does one step, or returns false when there is none to do at present. Called by several
    /// workers at once. Must neither throw nor wait for another task.
    virtual bool Step(int worker) = 0;
    /// Whether there are steps to do, or workers in one. Must take no lock.
    virtual bool HasWork() const { return true; }
  };

  /// The threads are started by the first task.
  explicit WorkerPool(int threads) : threads_(threads) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// No task may be left.
  ~WorkerPool();

  int threads() const { return threads_; }

  /// From here on workers do its steps, one of this task and one of every other in turn. Throws
  /// Error(kLimitExceeded) when the system starts no more threads.
  void Add(Task& task);
  /// Returns when no worker is in it any more. A child of fork() has no tasks: there it does
  /// nothing with those of the parent.
  void Remove(Task& task);
  /// To be called when there is one more step to do than before.
  void Wake();
  /// Whether no other task has work.
  bool IsAlone(const Task& task);

 private:
  struct Entry {
    Task* task;
    int workers = 0;  // in its Step
  };

  void Start();
  void ForgetThreads();
  void Work(int worker);
  bool StepOfNextTask(std::unique_lock<std::mutex>& lock, int worker);

  const int threads_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable left_;  // a task has no worker in it any more
  std::list<Entry> tasks_;        // whose turn it is, in front
  uint64_t wakes_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
  ForkHandler fork_handler_{[this] { ForgetThreads(); }};
};

}  // namespace siglip
