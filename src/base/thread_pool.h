// A fixed pool of threads that run one function together, and the barrier they meet at.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

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

class ThreadPool {
 public:
  /// Starts threads - 1 threads; the caller of Run is the last one. Throws
  /// Error(kInvalidArgument), or Error(kLimitExceeded) when the system starts no more threads.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls work(rank) once on every thread, rank in [0, threads()), and returns when all are done.
  /// The first exception any of them threw is thrown again here. Calls from several threads take
  /// turns. `work` must not call Run of the same pool.
  void Run(const std::function<void(int rank)>& work);

  /// Calls work(index) for every index in [0, count), handed out one by one to free threads. After
  /// an exception no further index is begun.
  void ForEach(int64_t count, const std::function<void(int64_t index)>& work);

 private:
  void Stop();
  void WorkerLoop(int rank);
  void Execute(int rank);

  std::mutex run_mutex_;  // held during Run
  std::mutex mutex_;      // guards what follows
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(int)>* work_ = nullptr;
  uint64_t generation_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

}  // namespace siglip
