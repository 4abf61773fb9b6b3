#include "engine/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "run_in_child.h"

namespace siglip {
namespace {

/// A task with so many steps.
class Steps : public WorkerPool::Task {
 public:
  Steps(WorkerPool& pool, int count, std::function<void()> work)
      : pool_(pool), left_(count), work_(std::move(work)) {
    pool_.Add(*this);
    for (int i = 0; i < count; ++i) pool_.Wake();
  }
  ~Steps() override { pool_.Remove(*this); }

 private:
  bool Step(int) override {
    if (left_.fetch_sub(1) <= 0) return false;
    work_();
    return true;
  }

  WorkerPool& pool_;
  std::atomic<int> left_;
  const std::function<void()> work_;
};

TEST(WorkerPool, DoesEveryStepOnAllThreads) {
  for (const int threads : {1, 2, 5}) {
    WorkerPool pool(threads);
    std::promise<void> all_there;
    std::atomic<int> there = 0;
    // Nobody leaves before everybody is there.
    Steps task(pool, threads, [&] {
      if (++there == threads) all_there.set_value();
      while (there < threads) std::this_thread::yield();
    });
    all_there.get_future().wait();
  }
}

TEST(WorkerPool, TasksTakeTurns) {
  WorkerPool pool(1);
  std::string steps;
  std::promise<void> done;
  const auto step = [&](char name) {
    steps += name;
    if (steps.size() == 9) done.set_value();
  };
  std::promise<void> start;
  {
    Steps gate(pool, 1, [&] { start.get_future().wait(); });
    Steps a(pool, 3, [&] { step('a'); });
    Steps b(pool, 3, [&] { step('b'); });
    Steps c(pool, 3, [&] { step('c'); });
    start.set_value();
    done.get_future().wait();
  }
  for (size_t turn = 0; turn < 9; turn += 3) {
    std::string names = steps.substr(turn, 3);
    std::ranges::sort(names);
    EXPECT_EQ(names, "abc") << steps;
  }
}

/// A task whose steps are up to the test, and whose workers are not woken.
class Asked : public WorkerPool::Task {
 public:
  Asked(WorkerPool& pool, std::function<bool()> step) : pool_(pool), step_(std::move(step)) {
    pool_.Add(*this);
  }
  ~Asked() override { pool_.Remove(*this); }

 private:
  bool Step(int) override { return step_(); }

  WorkerPool& pool_;
  const std::function<bool()> step_;
};

// A worker has asked one task in vain and is asking another when the first goes. So it has asked as
// many as there are now, but not all of them.
TEST(WorkerPool, ATaskIsNotForgottenWhenAnotherOneGoes) {
  WorkerPool pool(1);
  std::promise<void> done;
  bool has_step = true;
  Asked last(pool, [&] {
    if (!std::exchange(has_step, false)) return false;
    done.set_value();
    return true;
  });
  std::promise<void> asked;
  std::promise<void> gone;
  bool waits = true;
  Asked second(pool, [&] {
    if (std::exchange(waits, false)) {
      asked.set_value();
      gone.get_future().wait();
    }
    return false;
  });
  {
    Asked first(pool, [] { return false; });
    pool.Wake();
    asked.get_future().wait();
  }
  gone.set_value();
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(WorkerPool, RemoveWaitsForTheWorkersInside) {
  WorkerPool pool(2);
  for (int i = 0; i < 100; ++i) {
    std::promise<void> begun;
    std::atomic<bool> finished = false;
    {
      Steps task(pool, 1, [&] {
        begun.set_value();
        std::this_thread::yield();
        finished = true;
      });
      begun.get_future().wait();
    }
    EXPECT_TRUE(finished);
  }
}

TEST(WorkerPool, AChildOfForkHasWorkersOfItsOwn) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  WorkerPool pool(2);
  const auto works = [&] {
    std::promise<void> done;
    Steps task(pool, 1, [&] { done.set_value(); });
    done.get_future().wait();
    return true;
  };
  EXPECT_TRUE(SucceedsInChild(works));  // before there are threads
  works();
  EXPECT_TRUE(SucceedsInChild(works));
  // While a worker is inside a task.
  std::promise<void> begun;
  std::promise<void> end;
  Steps task(pool, 1, [&] {
    begun.set_value();
    end.get_future().wait();
  });
  begun.get_future().wait();
  EXPECT_TRUE(SucceedsInChild(works));
  EXPECT_TRUE(SucceedsInChild([&] { return SucceedsInChild(works); }));
  end.set_value();
  EXPECT_TRUE(works());
}

TEST(WorkerPool, AChildOfForkCanDestroyIt) {
  EXPECT_TRUE(SucceedsInChild([] {
    auto pool = std::make_unique<WorkerPool>(2);
    {
      std::promise<void> done;
      Steps task(*pool, 1, [&] { done.set_value(); });
      done.get_future().wait();
    }
    return SucceedsInChild([&] {
      pool.reset();
      return true;
    });
  }));
}

}  // namespace
}  // namespace siglip
