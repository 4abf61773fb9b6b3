#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

// How often a barrier looks before it sleeps: for half a millisecond on Zen 4, whose pause takes
// some 60 cycles.
constexpr int kSpins = 20'000;

int AffinityCpus() {
  // A machine may have more CPUs than a fixed cpu_set_t holds.
  for (int capacity = 1024; capacity <= 1024 * 1024; capacity *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(capacity));
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(capacity));
    const bool known = sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) return count;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

/// The quota of this process' own cgroup in CPUs, or infinity. Inside a container the cgroup is
/// mounted as the root of the hierarchy, so the root is looked at too.
double CgroupQuota() {
  std::vector<std::string> folders = {"/sys/fs/cgroup"};
  std::ifstream membership("/proc/self/cgroup");
  for (std::string line; std::getline(membership, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    // Every ancestor's quota binds too.
    std::string path = line.substr(second + 1);
    while (path.size() > 1 && path.front() == '/') {
      folders.push_back("/sys/fs/cgroup" + path);
      folders.push_back("/sys/fs/cgroup/cpu" + path);
      path.resize(path.rfind('/'));
    }
  }
  folders.emplace_back("/sys/fs/cgroup/cpu");
  double quota = INFINITY;
  for (const std::string& folder : folders) {
    double limit = -1;
    double period = -1;
    if (std::ifstream file(folder + "/cpu.max"); file >> limit >> period) {  // "max" does not parse
    } else {
      std::ifstream(folder + "/cpu.cfs_quota_us") >> limit;
      std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    }
    if (limit > 0 && period > 0) quota = std::min(quota, limit / period);
  }
  return quota;
}

}  // namespace

int AvailableCpus() {
  const double quota = std::ceil(CgroupQuota());
  const int cpus = std::max(1, AffinityCpus());
  return quota < cpus ? std::max(1, static_cast<int>(quota)) : cpus;
}

void Barrier::Wait() {
  if (threads_ == 1) return;
  const uint32_t round = round_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    // Sequentially consistent: notify_all looks whether anyone sleeps, and with a weaker order that
    // look could come before the store is seen, so that a thread just going to sleep is missed.
    round_.store(round + 1, std::memory_order_seq_cst);
    round_.notify_all();
    return;
  }
  for (int spin = 0; spin < kSpins; ++spin) {
    if (round_.load(std::memory_order_acquire) != round) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  round_.wait(round, std::memory_order_acquire);
}

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  if (threads < 1 || threads > 4096) {
    throw Error(ErrorCode::kInvalidArgument,
                "threads: expected 1 to 4096, found " + std::to_string(threads));
  }
  workers_.reserve(static_cast<size_t>(threads - 1));
  try {
    StartThreads();
  } catch (...) {
    Stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::StartThreads() {
  for (int rank = static_cast<int>(workers_.size()) + 1; rank < threads_; ++rank) {
    try {
      workers_.emplace_back([this, rank, seen = generation_] { WorkerLoop(rank, seen); });
    } catch (const std::system_error& error) {
      throw Error(ErrorCode::kLimitExceeded,
                  "threads: the system gave " + std::to_string(rank) + " of " +
                      std::to_string(threads_) + ": " + error.what(),
                  "ask for fewer: --threads");
    }
  }
}

void ThreadPool::ForgetThreads() {
  MakeAnew(run_mutex_);
  MakeAnew(mutex_);
  MakeAnew(wake_);
  MakeAnew(done_);
  MakeAnew(failure_);
  for (std::thread& worker : workers_) MakeAnew(worker);
  workers_.clear();
}

void ThreadPool::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Run(const std::function<void(int)>& work) {
  const std::lock_guard turn(run_mutex_);
  {
    const std::lock_guard lock(mutex_);
    StartThreads();
    work_ = &work;
    failure_ = nullptr;
    running_ = threads_;
    ++generation_;
  }
  wake_.notify_all();
  Execute(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::ForEach(int64_t count, const std::function<void(int64_t)>& work) {
  std::atomic<int64_t> next = 0;
  Run([&](int) {
    for (int64_t index = next++; index < count; index = next++) {
      try {
        work(index);
      } catch (...) {
        next = count;
        throw;
      }
    }
  });
}

void ThreadPool::WorkerLoop(int rank, uint64_t seen) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
    }
    Execute(rank);
  }
}

void ThreadPool::Execute(int rank) {
  std::exception_ptr failure;
  try {
    (*work_)(rank);
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (failure && !failure_) failure_ = failure;
  if (--running_ == 0) done_.notify_one();
}

}  // namespace siglip
