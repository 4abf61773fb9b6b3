// Tests of ThreadPool and Barrier.
#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "run_in_child.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

TEST(AvailableCpus, FollowsTheAffinityMask) {
  EXPECT_GE(AvailableCpus(), 1);
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_LE(AvailableCpus(), CPU_COUNT(&before));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableCpus(), 1);
  ::sched_setaffinity(0, sizeof(before), &before);
}

TEST(ThreadPool, RefusesImpossibleThreadCounts) {
  for (const int threads : {-1, 0, 4097}) EXPECT_THROW(ThreadPool pool(threads), Error) << threads;
}

TEST(ThreadPool, RunsEveryRankOncePerRound) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    std::vector<int> calls(static_cast<size_t>(threads), 0);
    constexpr int kRounds = 500;
    for (int round = 0; round < kRounds; ++round) {
      pool.Run([&](int rank) { ++calls[static_cast<size_t>(rank)]; });
    }
    EXPECT_EQ(calls, std::vector<int>(static_cast<size_t>(threads), kRounds));
  }
}

TEST(ThreadPool, TheCallerIsRankZero) {
  ThreadPool pool(3);
  std::vector<std::thread::id> threads(3);
  pool.Run([&](int rank) { threads[static_cast<size_t>(rank)] = std::this_thread::get_id(); });
  EXPECT_EQ(threads[0], std::this_thread::get_id());
  EXPECT_NE(threads[1], threads[0]);
  EXPECT_NE(threads[2], threads[1]);
}

TEST(ThreadPool, PassesAnExceptionOfAnyRankOnAndWorksAfterwards) {
  ThreadPool pool(4);
  for (int failing = 0; failing < 4; ++failing) {
    std::atomic<int> finished = 0;
    try {
      pool.Run([&](int rank) {
        if (rank == failing) throw std::runtime_error("rank " + std::to_string(rank));
        ++finished;
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), "rank " + std::to_string(failing));
    }
    EXPECT_EQ(finished, 3);
  }
  EXPECT_THROW(pool.Run([](int) { throw std::logic_error("all of them"); }), std::logic_error);
  EXPECT_NO_THROW(pool.Run([](int) {}));
}

TEST(ThreadPool, CallersTakeTurns) {
  ThreadPool pool(2);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  int64_t rounds = 0;  // guarded by the turns themselves
  const auto caller = [&] {
    for (int i = 0; i < 200; ++i) {
      pool.Run([&](int rank) {
        const int now = ++inside;
        if (now > most) most = now;
        if (rank == 0) ++rounds;
        --inside;
      });
    }
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_EQ(rounds, 400);
  EXPECT_LE(most, 2);
}

TEST(ThreadPool, ShortCallsGetTheirTurnsBetweenThoseOfALongStream) {
  ThreadPool pool(2);
  std::vector<std::string> order;  // guarded by the turns themselves
  const auto call = [&](
                        const std::string& name, const std::function<void()>& work = [] {}) {
    pool.Run([&](int rank) {
      if (rank > 0) return;
      order.push_back(name);
      work();
    });
  };
  std::vector<std::thread> others;
  call("stream", [&] {
    for (const char* name : {"first", "second", "third"}) {
      others.emplace_back([&, name] { call(name); });
      while (pool.waiting() < others.size()) std::this_thread::yield();
    }
  });
  call("stream");
  for (std::thread& other : others) other.join();
  EXPECT_EQ(order, (std::vector<std::string>{"stream", "first", "second", "third", "stream"}));
}

/// Whether a pool of this many threads does its work.
bool Works(ThreadPool& pool, int threads) {
  for (int round = 0; round < 3; ++round) {
    std::vector<int> calls(static_cast<size_t>(threads), 0);
    Barrier barrier(threads);  // all at the same time
    pool.Run([&](int rank) {
      ++calls[static_cast<size_t>(rank)];
      barrier.Wait();
    });
    if (calls != std::vector<int>(static_cast<size_t>(threads), 1)) return false;
  }
  return pool.threads() == threads;
}

TEST(ThreadPool, AChildOfForkUsesAndDestroysIt) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  for (const int threads : {1, 2, 4}) {
    std::optional<ThreadPool> pool(threads);
    for (const bool has_run : {false, true}) {
      EXPECT_TRUE(!has_run || Works(*pool, threads));
      EXPECT_TRUE(SucceedsInChild([&] {
        pool.reset();
        return true;
      }));
      EXPECT_TRUE(SucceedsInChild([&] {
        const bool works = Works(*pool, threads);
        pool.reset();
        return works;
      }));
    }
    EXPECT_TRUE(Works(*pool, threads));
  }
}

TEST(ThreadPool, AChildOfAChildOfForkUsesIt) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  for (const int threads : {1, 2, 4}) {
    std::optional<ThreadPool> pool(threads);
    for (const bool child_runs : {false, true}) {
      EXPECT_TRUE(SucceedsInChild([&] {
        if (child_runs && !Works(*pool, threads)) return false;
        const bool works_below = SucceedsInChild([&] {
          const bool works = Works(*pool, threads);
          pool.reset();
          return works;
        });
        return works_below && Works(*pool, threads);
      }));
    }
  }
}

TEST(ThreadPool, AChildForkedDuringARunIsNotPartOfIt) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  for (const int threads : {1, 2, 4}) {
    std::optional<ThreadPool> pool(threads);
    Barrier all_run(threads);
    std::promise<void> running;
    std::promise<void> let_go;
    const std::shared_future<void> let_go_future = let_go.get_future().share();
    std::thread first([&] {
      pool->Run([&](int rank) {
        all_run.Wait();
        if (rank == 0) running.set_value();
        let_go_future.wait();
      });
    });
    running.get_future().wait();
    std::thread second([&] { pool->Run([](int) {}); });
    while (pool->waiting() == 0) std::this_thread::yield();
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(SucceedsInChild([&] {
        const bool works = Works(*pool, threads);
        pool.reset();
        return works;
      }));
    }
    let_go.set_value();
    first.join();
    second.join();
    EXPECT_TRUE(Works(*pool, threads));
  }
}

TEST(ThreadPool, ChildrenForkedAtAnyMomentUseIt) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  std::optional<ThreadPool> pool(2);
  std::atomic<bool> done = false;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 2; ++caller) {
    callers.emplace_back([&] {
      while (!done) pool->Run([](int) {});
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(SucceedsInChild([&] {
      const bool works = Works(*pool, 2);
      pool.reset();
      return works;
    }));
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
}

TEST(ThreadPool, AChildForkedByTheWorkItselfUsesIt) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  for (const int forking : {0, 1}) {
    ThreadPool pool(2);
    bool succeeded = false;
    pool.Run([&](int rank) {
      if (rank == forking) succeeded = SucceedsInChild([&] { return Works(pool, 2); });
    });
    EXPECT_TRUE(succeeded) << forking;
  }
}

TEST(ThreadPool, ForEachVisitsEveryIndexOnce) {
  ThreadPool pool(3);
  for (const int64_t count : {0, 1, 2, 3, 4, 1000}) {
    std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
    pool.ForEach(count, [&](int64_t index) { ++visits[static_cast<size_t>(index)]; });
    for (const auto& visit : visits) EXPECT_EQ(visit, 1);
  }
}

TEST(ThreadPool, ForEachBeginsNothingAfterAnException) {
  ThreadPool pool(1);
  int begun = 0;
  EXPECT_THROW(pool.ForEach(1000,
                            [&](int64_t index) {
                              ++begun;
                              if (index == 5) throw std::runtime_error("five");
                            }),
               std::runtime_error);
  EXPECT_EQ(begun, 6);

  ThreadPool wide(4);
  std::atomic<int> failures = 0;
  EXPECT_THROW(wide.ForEach(1'000'000,
                            [&](int64_t) {
                              ++failures;
                              throw std::runtime_error("each");
                            }),
               std::runtime_error);
  EXPECT_LE(failures, 4);
}

TEST(Barrier, LetsNobodyPassBeforeAllHaveArrived) {
  for (const int threads : {1, 2, 3, 7}) {  // also more than there are CPUs: then some sleep
    ThreadPool pool(threads);
    Barrier barrier(threads);
    std::vector<int> rounds(static_cast<size_t>(threads), 0);
    std::atomic<int> mistakes = 0;
    pool.Run([&](int rank) {
      for (int round = 1; round <= 100; ++round) {
        rounds[static_cast<size_t>(rank)] = round;
        barrier.Wait();
        for (const int other : rounds) mistakes += other != round;
        barrier.Wait();
      }
    });
    EXPECT_EQ(mistakes, 0);
  }
}

TEST(Barrier, WakesThoseWhoSleep) {
  ThreadPool pool(2);
  Barrier barrier(2);
  for (int round = 0; round < 20; ++round) {
    pool.Run([&](int rank) {
      if (rank == 1) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      barrier.Wait();
    });
  }
}

}  // namespace
}  // namespace siglip
