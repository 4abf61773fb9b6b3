// Tests of FairMutex.
#include "base/fair_mutex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace siglip {
namespace {

TEST(FairMutex, LetsOneInAtATime) {
  FairMutex mutex;
  int inside = 0;  // guarded by the lock
  int most = 0;
  int64_t total = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const std::lock_guard lock(mutex);
        most = std::max(most, ++inside);
        ++total;
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 8000);
  EXPECT_EQ(most, 1);
}

TEST(FairMutex, GoesToThoseWhoWaitInTheOrderTheyCame) {
  FairMutex mutex;
  std::vector<int> order;  // guarded by the lock
  std::vector<std::thread> threads;
  mutex.lock();
  for (int thread = 0; thread < 5; ++thread) {
    threads.emplace_back([&, thread] {
      const std::lock_guard lock(mutex);
      order.push_back(thread);
    });
    while (mutex.waiting() <= static_cast<size_t>(thread)) std::this_thread::yield();
  }
  mutex.unlock();
  {
    const std::lock_guard lock(mutex);  // the one who had it comes last
    order.push_back(5);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(mutex.waiting(), 0U);
}

}  // namespace
}  // namespace siglip
