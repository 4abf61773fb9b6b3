// A fixed pool of threads that run one function together, and the barrier they meet at.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fair_mutex.h"
#include "base/fork_handler.h"

namespace siglip {

/// CPUs this process may use: its affinity mask, and its cgroup's quota rounded up. At least 1.
int AvailableCpus();

/// A meeting point for a fixed number of threads, usable again and again. Waits actively for a
/// fraction of a millisecond (the usual case: all arrive together), then sleeps. A thread that does
/// not come leaves the others waiting for ever: work between two meetings must not throw.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void Wait();

 private:
  const int threads_;
  std::atomic<int> arrived_ = 0;
  std::atomic<uint32_t> round_ = 0;
};

/// A child of fork() can use and destroy a pool of its parent, whatever other threads did with
/// that: the next Run starts threads of its own. What runs while fork() is called goes on in the
/// parent only; a child that fork() made inside `work` must not return from it.
class ThreadPool {
 public:
  /// Starts threads - 1 threads; the caller of Run is the last one. Throws
  /// Error(kInvalidArgument), or Error(kLimitExceeded) when the system starts no more threads.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return threads_; }

  /// Calls work(rank) once on every thread, rank in [0, threads()), and returns when all are done.
  /// The first exception any of them threw is thrown again here. Calls from several threads take
  /// turns in the order they came. `work` must not call Run of the same pool. Throws
  /// Error(kLimitExceeded) when the system starts no threads in a child of fork().
  void Run(const std::function<void(int rank)>& work);
  /// Calls of Run that wait for their turn now.
  size_t waiting() const { return run_mutex_.waiting(); }

  /// Calls work(index) for every index in [0, count), handed out one by one to free threads. After
  /// an exception no further index is begun.
  void ForEach(int64_t count, const std::function<void(int64_t index)>& work);

 private:
  void StartThreads();
  void ForgetThreads();
  void Stop();
  void WorkerLoop(int rank, uint64_t seen);
  void Execute(int rank);

  const int threads_;
  FairMutex run_mutex_;  // held during Run
  std::mutex mutex_;     // guards what follows
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(int)>* work_ = nullptr;
  uint64_t generation_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;  // of rank 1, 2, ...; none in a child of fork() before it runs
  ForkHandler fork_handler_{[this] { ForgetThreads(); }};
};

}  // namespace siglip
