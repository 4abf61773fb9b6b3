// How pictures are shared among threads: every one once, and no thread left idle for long.
#include "model/sequence_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <set>
#include <vector>

namespace siglip {
namespace {

/// Sequences as long as their costs say, each of them too long to be grouped.
SequenceSchedule Schedule(const std::vector<double>& costs, int threads) {
  std::vector<int64_t> tokens;
  for (const double cost : costs) {
    tokens.push_back(kGroupRows + static_cast<int64_t>(cost));
  }
  return ScheduleSequences(tokens, costs, threads);
}

using Groups = std::vector<std::vector<int64_t>>;

TEST(SequenceScheduleTest, EqualOnesGoToThreadsAndTheOddOnesAreComputedTogether) {
  const std::vector<double> costs(7, 1.0);
  const SequenceSchedule two = Schedule(costs, 2);
  EXPECT_EQ(two.together, (std::vector<int64_t>{0}));
  EXPECT_EQ(two.alone, (Groups{{1}, {2}, {3}, {4}, {5}, {6}}));
  const SequenceSchedule three = Schedule(costs, 3);
  EXPECT_EQ(three.together.size(), 1U);
  EXPECT_EQ(Schedule(costs, 7).together.size(), 0U);
}

TEST(SequenceScheduleTest, AGiantIsComputedTogether) {
  const SequenceSchedule schedule = Schedule({1, 1, 100, 1}, 2);
  ASSERT_FALSE(schedule.together.empty());
  EXPECT_EQ(schedule.together.front(), 2);
}

TEST(SequenceScheduleTest, TheLongestFirst) {
  const SequenceSchedule schedule = Schedule({1, 4, 2, 3, 2}, 2);
  EXPECT_EQ(schedule.together.size(), 0U);
  EXPECT_EQ(schedule.alone, (Groups{{1}, {3}, {2}, {4}, {0}}));
}

TEST(SequenceScheduleTest, OneThreadComputesEverythingAlone) {
  EXPECT_EQ(Schedule({3, 1, 2}, 1).alone, (Groups{{0}, {2}, {1}}));
}

TEST(SequenceScheduleTest, ShortOnesAreGroupedEvenly) {
  const auto sizes = [](size_t count, int64_t tokens, int threads) {
    const SequenceSchedule schedule =
        ScheduleSequences(std::vector<int64_t>(count, tokens),
                          std::vector<double>(count, static_cast<double>(tokens)), threads);
    std::vector<size_t> of_groups;
    for (const auto& group : schedule.alone) of_groups.push_back(group.size());
    return of_groups;
  };
  EXPECT_EQ(sizes(8, 64, 2), (std::vector<size_t>{4, 4}));
  EXPECT_EQ(sizes(10, 64, 2), (std::vector<size_t>{3, 3, 2, 2}));
  EXPECT_EQ(sizes(16, 64, 1), (std::vector<size_t>{4, 4, 4, 4}));
  EXPECT_EQ(sizes(4, 196, 2), (std::vector<size_t>{1, 1, 1, 1}));
  EXPECT_EQ(sizes(2, 64, 2), (std::vector<size_t>{1, 1})) << "both threads have something to do";
}

TEST(SequenceScheduleTest, EverySequenceOnceWhateverTheSizesAndNoGroupTooLong) {
  for (const int threads : {1, 2, 3, 8}) {
    for (size_t count = 0; count < 40; ++count) {
      std::vector<double> costs;
      std::vector<int64_t> tokens;
      for (size_t i = 0; i < count; ++i) {
        tokens.push_back(static_cast<int64_t>(1 + i * i * 37 % 301));
        costs.push_back(static_cast<double>(tokens.back()));
      }
      const SequenceSchedule schedule = ScheduleSequences(tokens, costs, threads);
      std::vector<int64_t> all = schedule.together;
      for (const auto& group : schedule.alone) {
        all.insert(all.end(), group.begin(), group.end());
        int64_t rows = 0;
        for (const int64_t i : group) rows += tokens[static_cast<size_t>(i)];
        EXPECT_TRUE(group.size() == 1 || rows <= kGroupRows);
      }
      std::ranges::sort(all);
      std::vector<int64_t> expected(count);
      std::iota(expected.begin(), expected.end(), int64_t{0});
      EXPECT_EQ(all, expected);
    }
  }
}

TEST(SequenceScheduleTest, WorkSeesWorkspacesOfItsPicturesSize) {
  SiglipEncoderConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_attention_heads = 3;
  const std::vector<int64_t> tokens = {5, 1, 5, 90, 17, 3};
  for (const int threads : {1, 2, 4}) {
    const LayerContext context = {
        config, Runtime::Create({.threads = threads, .instruction_set = {}}), Precision::kFloat32};
    std::mutex mutex;
    std::vector<int64_t> rows(tokens.size());
    ForEachGroup(context, tokens, [&](std::span<const int64_t> group, Workspace& workspace) {
      const std::lock_guard lock(mutex);
      ASSERT_EQ(workspace.sequences.size(), group.size());
      for (size_t i = 0; i < group.size(); ++i) {
        const Sequence& sequence = workspace.sequences[i];
        EXPECT_EQ(sequence.tokens(), tokens[static_cast<size_t>(group[i])]);
        rows[static_cast<size_t>(group[i])] += std::max<int64_t>(
            0, std::min(workspace.end, sequence.end) - std::max(workspace.begin, sequence.begin));
      }
    });
    EXPECT_EQ(rows, tokens);
  }
}

}  // namespace
}  // namespace siglip
