#include "engine/embed_service_totals.h"

#include <gtest/gtest.h>

#include <chrono>

namespace siglip {
namespace {

using Clock = EmbedServiceTotals::Clock;

Clock::time_point At(int seconds) { return Clock::time_point(std::chrono::seconds(seconds)); }

TakenItem Done(double thread_seconds, double compute_seconds = 1) {
  TakenItem item;
  item.result.queue_seconds = 3;
  item.result.prepare_seconds = 2;
  item.result.compute_seconds = compute_seconds;
  item.thread_seconds = thread_seconds;
  return item;
}

TakenItem Failed() {
  TakenItem item = Done(0, 0);
  item.result.error = Error(ErrorCode::kMalformedFile, "broken");
  return item;
}

void Add(EmbedServiceTotals& totals, ItemKind kind, TakenItem item, int at = 0) {
  totals.Add(At(at), kind, {&item, 1});
}

TEST(EmbedServiceTotals, CountsItemsByKindAndTimesByStage) {
  EmbedServiceTotals totals;
  Add(totals, ItemKind::kPicture, Done(1));
  Add(totals, ItemKind::kPicture, Failed());
  Add(totals, ItemKind::kText, Done(1));
  ServiceStatus status;
  totals.Describe(At(0), true, status);
  EXPECT_EQ(status.pictures.finished, 1U);
  EXPECT_EQ(status.pictures.failed, 1U);
  EXPECT_EQ(status.texts.finished, 1U);
  EXPECT_EQ(status.texts.failed, 0U);
  EXPECT_EQ(status.queue.items, 3U);
  EXPECT_EQ(status.queue.seconds, 9);
  EXPECT_EQ(status.prepare.seconds, 6);
  EXPECT_EQ(status.compute.items, 2U);  // one failed before
  EXPECT_EQ(status.compute.seconds, 2);
}

TEST(EmbedServiceTotals, ExpectsWhatTheLastItemsTook) {
  EmbedServiceTotals totals;
  EXPECT_EQ(totals.SecondsFor({5, 5}), 0);
  Add(totals, ItemKind::kPicture, Done(1));
  Add(totals, ItemKind::kPicture, Done(3));
  Add(totals, ItemKind::kPicture, Failed());
  Add(totals, ItemKind::kText, Done(0.5));
  EXPECT_DOUBLE_EQ(totals.SecondsFor({10, 0}), 20);
  EXPECT_DOUBLE_EQ(totals.SecondsFor({10, 4}), 22);
  for (int i = 0; i < 300; ++i) Add(totals, ItemKind::kPicture, Done(7));
  EXPECT_NEAR(totals.SecondsFor({1, 0}), 7, 0.01);
}

TEST(EmbedServiceTotals, IsStuckWhenNothingIsDoneForHalfAMinute) {
  EmbedServiceTotals totals;
  ServiceStatus status;
  totals.Describe(At(1000), true, status);
  EXPECT_EQ(status.silence, 0);
  EXPECT_FALSE(status.stuck);
  totals.Begin(At(1000));
  totals.Describe(At(1030), false, status);
  EXPECT_EQ(status.silence, 30);
  EXPECT_FALSE(status.stuck);
  totals.Describe(At(1031), false, status);
  EXPECT_TRUE(status.stuck);
  Add(totals, ItemKind::kText, Failed(), 1040);
  totals.Describe(At(1045), false, status);
  EXPECT_EQ(status.silence, 5);
  EXPECT_FALSE(status.stuck);
}

}  // namespace
}  // namespace siglip
