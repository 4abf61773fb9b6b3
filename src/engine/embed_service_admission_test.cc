#include "engine/embed_service_admission.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <vector>

namespace siglip {
namespace {

using Clock = EmbedServiceAdmission::Clock;
using Seconds = EmbedServiceAdmission::Seconds;

Clock::time_point At(double seconds) {
  return Clock::time_point(std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
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
    told.push_back(admission.Book(At(100), Seconds(12), Seconds(3)).count());
  }
  EXPECT_EQ(told, (std::vector<int64_t>{7, 10, 13, 16, 19}));
}

TEST(EmbedServiceAdmission, PartsOfASecondAreRoundedUp) {
  EmbedServiceAdmission admission(Seconds(10));
  EXPECT_EQ(admission.Book(At(0), Seconds(12.25), Seconds(0.25)).count(), 8);
  EXPECT_EQ(admission.Book(At(0), Seconds(12.25), Seconds(0.75)).count(), 8);
  EXPECT_EQ(admission.Book(At(0), Seconds(12.25), Seconds(0.75)).count(), 9);
}

TEST(EmbedServiceAdmission, PlacesAreFreeWhenTheirTimeHasPassed) {
  EmbedServiceAdmission admission(Seconds(10));
  for (int i = 0; i < 5; ++i) admission.Book(At(100), Seconds(12), Seconds(3));  // up to 127
  EXPECT_EQ(admission.Book(At(110), Seconds(11), Seconds(0)).count(), 12);
  EXPECT_EQ(admission.Book(At(130), Seconds(11), Seconds(0)).count(), 6);
}

TEST(EmbedServiceAdmission, TellsOneToSixtySeconds) {
  EmbedServiceAdmission patient(Seconds(10));
  EXPECT_EQ(patient.Book(At(0), Seconds(2), Seconds(0)).count(), 1);
  EXPECT_EQ(patient.Book(At(0), Seconds(1e300), Seconds(1e300)).count(), 60);
  EmbedServiceAdmission crowded(Seconds(10));
  for (int i = 0; i < 1000; ++i) crowded.Book(At(0), Seconds(11), Seconds(1));
  EXPECT_EQ(crowded.Book(At(0), Seconds(11), Seconds(1)).count(), 60);
  // The line is never longer than what can be told: a minute later it is short again.
  EXPECT_EQ(crowded.Book(At(60), Seconds(11), Seconds(1)).count(), 6);
  EmbedServiceAdmission endless(Seconds{std::numeric_limits<double>::infinity()});
  EXPECT_TRUE(endless.Admits(Seconds(1e9)));
  EXPECT_EQ(endless.Book(At(0), Seconds(5), Seconds(1)).count(), 1);
}

/// A crowd comes at once, and so does everybody whom the service told to come back. It works off a
/// second of work in a second.
TEST(EmbedServiceAdmission, ACrowdIsServedWithinTwoReturns) {
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
      const auto wait =
          admission.Book(At(static_cast<double>(second)), Seconds(queued), Seconds(kWork));
      comes[second + static_cast<size_t>(wait.count())].push_back(times + 1);
    }
    if (served < kClients) idle += std::max(0.0, 1 - queued);
    queued = std::max(0.0, queued - 1);
  }
  EXPECT_EQ(served, kClients);
  EXPECT_EQ(idle, 0);
}

}  // namespace
}  // namespace siglip
