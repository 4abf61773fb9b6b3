#include "server/http/memory_budget.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace siglip::server {
namespace {

TEST(MemoryBudgetTest, GivesNoMoreThanThereIs) {
  MemoryBudget budget(100);
  EXPECT_EQ(budget.capacity(), 100u);
  auto first = budget.Reserve(60);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->bytes(), 60u);
  EXPECT_FALSE(budget.Reserve(41));
  EXPECT_FALSE(budget.Reserve(std::numeric_limits<uint64_t>::max()));
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_TRUE(budget.Reserve(40));
  first.reset();
  EXPECT_EQ(budget.used(), 0u);
}

TEST(MemoryBudgetTest, ReservationsGrowShrinkAndMove) {
  MemoryBudget budget(100);
  Reservation reservation;
  EXPECT_TRUE(budget.Grow(reservation, 30));
  EXPECT_TRUE(budget.Grow(reservation, 50));
  EXPECT_FALSE(budget.Grow(reservation, 21));
  EXPECT_EQ(reservation.bytes(), 80u);
  reservation.ShrinkTo(90);
  EXPECT_EQ(reservation.bytes(), 80u);
  reservation.ShrinkTo(10);
  EXPECT_EQ(budget.used(), 10u);
  Reservation other = std::move(reservation);
  EXPECT_EQ(reservation.bytes(), 0u);
  EXPECT_EQ(other.bytes(), 10u);
  Reservation replaced = *budget.Reserve(70);
  replaced = std::move(other);
  EXPECT_EQ(budget.used(), 10u);
  replaced = {};
  EXPECT_EQ(budget.used(), 0u);
}

TEST(MemoryBudgetTest, ReservationsMayOutliveIt) {
  Reservation reservation;
  {
    MemoryBudget budget(10);
    MemoryBudget copy = budget;
    reservation = *copy.Reserve(10);
    EXPECT_FALSE(budget.Reserve(1));
  }
  EXPECT_EQ(reservation.bytes(), 10u);
}

TEST(MemoryBudgetTest, HoldsWhenThreadsCompete) {
  MemoryBudget budget(1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        auto reservation = budget.Reserve(300);
        EXPECT_LE(budget.used(), 1000u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace siglip::server
