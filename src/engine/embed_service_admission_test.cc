#include "engine/embed_service_admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <queue>
#include <vector>

namespace siglip {
namespace {

using Clock = EmbedServiceAdmission::Clock;
using Seconds = EmbedServiceAdmission::Seconds;

Clock::time_point AtSecond(double seconds) {
  return Clock::time_point(std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
}

/// To a queue that is longer than any wait.
int64_t Told(EmbedServiceAdmission& admission, double now, double ahead, double own) {
  return admission
      .Book(AtSecond(now),
            {.ahead = Seconds(ahead), .own = Seconds(own), .whole_queue = Seconds(1e6 + own)})
      .count();
}

TEST(EmbedServiceAdmission, AdmitsWhatWaitsNoLongerThanTheLongestWait) {
  const EmbedServiceAdmission admission(Seconds(10));
  EXPECT_TRUE(admission.Admits(Seconds(0)));
  EXPECT_TRUE(admission.Admits(Seconds(10)));
  EXPECT_FALSE(admission.Admits(Seconds(10.1)));
}

// 12 seconds of work are queued. The first is to come when 5 of them are left, the others in steps
// of their own work.
TEST(EmbedServiceAdmission, ThoseSentAwayComeBackOneAfterTheOther) {
  EmbedServiceAdmission admission(Seconds(10));
  std::vector<int64_t> told;
  for (int i = 0; i < 5; ++i) {
    told.push_back(Told(admission, 100, 12, 3));
  }
  EXPECT_EQ(told, (std::vector<int64_t>{7, 10, 13, 16, 19}));
}

TEST(EmbedServiceAdmission, PartsOfASecondAreRoundedUp) {
  EmbedServiceAdmission admission(Seconds(10));
  EXPECT_EQ(Told(admission, 0, 12.25, 0.25), 8);
  EXPECT_EQ(Told(admission, 0, 12.25, 0.75), 8);
  EXPECT_EQ(Told(admission, 0, 12.25, 0.75), 9);
}

TEST(EmbedServiceAdmission, PlacesAreFreeWhenTheirTimeHasPassed) {
  EmbedServiceAdmission admission(Seconds(10));
  for (int i = 0; i < 5; ++i) Told(admission, 100, 12, 3);  // up to 127
  EXPECT_EQ(Told(admission, 110, 11, 0), 12);
  EXPECT_EQ(Told(admission, 130, 11, 0), 6);
}

TEST(EmbedServiceAdmission, TellsOneToSixtySeconds) {
  EmbedServiceAdmission patient(Seconds(10));
  EXPECT_EQ(Told(patient, 0, 2, 0), 1);
  EXPECT_EQ(Told(patient, 0, 1e300, 1e300), 60);
  EmbedServiceAdmission crowded(Seconds(10));
  for (int i = 0; i < 1000; ++i) Told(crowded, 0, 11, 1);
  EXPECT_EQ(Told(crowded, 0, 11, 1), 60);
  // The line is never longer than what can be told: a minute later it is short again.
  EXPECT_EQ(Told(crowded, 60, 11, 1), 6);
  EmbedServiceAdmission endless(Seconds{std::numeric_limits<double>::infinity()});
  EXPECT_TRUE(endless.Admits(Seconds(1e9)));
  EXPECT_EQ(Told(endless, 0, 5, 1), 1);
}

// 4 seconds of work are queued, and no more can be. Whoever has as much to do comes when it is
// done, whoever has little when half of it is.
TEST(EmbedServiceAdmission, ThoseSentAwayFromAFullQueueComeWhenItHasRoom) {
  EmbedServiceAdmission whole(Seconds(10));
  EmbedServiceAdmission small(Seconds(10));
  std::vector<int64_t> told_whole;
  std::vector<int64_t> told_small;
  for (int i = 0; i < 4; ++i) {
    told_whole.push_back(
        whole.Book(AtSecond(0), {.ahead = Seconds(4), .own = Seconds(4), .whole_queue = Seconds(4)})
            .count());
    told_small.push_back(
        small
            .Book(AtSecond(0),
                  {.ahead = Seconds(4), .own = Seconds(0.5), .whole_queue = Seconds(4.5)})
            .count());
  }
  EXPECT_EQ(told_whole, (std::vector<int64_t>{4, 8, 12, 16}));
  EXPECT_EQ(told_small, (std::vector<int64_t>{2, 3, 3, 4}));
}

// Seconds are whole: were two told the same, the second would find no room.
TEST(EmbedServiceAdmission, AShortQueueIsFilledOnceASecond) {
  EmbedServiceAdmission admission(Seconds(10));
  std::vector<int64_t> told;
  for (int i = 0; i < 4; ++i) {
    told.push_back(
        admission
            .Book(AtSecond(0.5),
                  {.ahead = Seconds(0.25), .own = Seconds(0.25), .whole_queue = Seconds(0.25)})
            .count());
  }
  EXPECT_EQ(told, (std::vector<int64_t>{1, 2, 3, 4}));
}

/// A service that works off a second of work in a second, and a crowd that comes within a second
/// and again whenever it is told to.
struct Crowd {
  static constexpr double kMaxWait = 10;
  static constexpr double kWork = 4 * kMaxWait;  // of all

  /// How often at most one of them was sent away, each with so much to do and a queue for so much.
  static int MostRefusals(double own, double whole_queue) {
    struct Client {
      double comes = 0;
      int refusals = 0;
    };
    const auto later = [](const Client& a, const Client& b) { return a.comes > b.comes; };
    std::priority_queue<Client, std::vector<Client>, decltype(later)> clients(later);
    const int count = static_cast<int>(std::lround(kWork / own));
    for (int i = 0; i < count; ++i) clients.push({.comes = static_cast<double>(i) / count});

    EmbedServiceAdmission admission{Seconds(kMaxWait)};
    double queued = 0;
    double now = 0;
    int most = 0;
    while (!clients.empty()) {
      Client client = clients.top();
      clients.pop();
      queued = std::max(0.0, queued - (client.comes - now));
      now = client.comes;
      const bool has_room = queued + own <= whole_queue + 1e-6;
      if (has_room && admission.Admits(Seconds(queued))) {
        queued += own;
        continue;
      }
      const auto wait = admission.Book(
          AtSecond(now),
          {.ahead = Seconds(queued), .own = Seconds(own), .whole_queue = Seconds(whole_queue)});
      most = std::max(most, ++client.refusals);
      client.comes += static_cast<double>(wait.count());
      clients.push(client);
    }
    return most;
  }
};

TEST(EmbedServiceAdmission, ACrowdIsServedWithinTwoReturns) {
  for (const double queue_to_wait : {0.15, 0.25, 0.5, 1.0, 2.0, 10.0}) {
    const double whole_queue = queue_to_wait * Crowd::kMaxWait;
    for (const double items : {1.0, 2.0, 3.0, 10.0, 50.0}) {
      EXPECT_LE(Crowd::MostRefusals(whole_queue / items, whole_queue), 2)
          << "queue of " << whole_queue << " s, each " << whole_queue / items << " s";
    }
  }
}

/// All of a crowd come in the same moment, to a queue longer than any wait.
TEST(EmbedServiceAdmission, ACrowdOfOneMomentLeavesNobodyIdle) {
  constexpr double kWork = 0.05;  // of each
  constexpr int kClients = 800;   // 4 times the longest wait
  EmbedServiceAdmission admission(Seconds(10));
  std::vector<std::vector<int>> comes(200);  // in which second
  comes[0].resize(kClients, 0);              // how often each has been sent away
  double queued = 0;
  int served = 0;
  double idle = 0;
  for (size_t second = 0; second < comes.size(); ++second) {
    for (const int times : comes[second]) {
      if (admission.Admits(Seconds(queued))) {
        queued += kWork;
        ++served;
        continue;
      }
      ASSERT_LT(times, 2) << "second " << second;
      const int64_t wait = Told(admission, static_cast<double>(second), queued, kWork);
      comes[second + static_cast<size_t>(wait)].push_back(times + 1);
    }
    if (served < kClients) idle += std::max(0.0, 1 - queued);
    queued = std::max(0.0, queued - 1);
  }
  EXPECT_EQ(served, kClients);
  EXPECT_EQ(idle, 0);
}

}  // namespace
}  // namespace siglip
