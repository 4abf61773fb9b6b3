// How pictures are shared among threads: every one once, no thread left idle for long, and several
// in a pass over the weights.
#include "model/sequence_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <set>
#include <vector>

namespace siglip {
namespace {

constexpr int64_t kRowsPerPass = 256;

/// Sequences as long as their costs say, each of them too long to be grouped.
SequenceSchedule Schedule(const std::vector<double>& costs, int threads) {
  std::vector<int64_t> tokens;
  for (const double cost : costs) {
    tokens.push_back(kRowsPerPass + static_cast<int64_t>(cost));
  }
  return ScheduleSequences(tokens, costs, threads, kRowsPerPass);
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

/// How many sequences are in each group, of `count` of the same length.
std::vector<size_t> GroupSizes(size_t count, int64_t tokens, int threads, int64_t rows_per_pass) {
  const SequenceSchedule schedule = ScheduleSequences(
      std::vector<int64_t>(count, tokens), std::vector<double>(count, static_cast<double>(tokens)),
      threads, rows_per_pass);
  std::vector<size_t> sizes;
  for (const auto& group : schedule.alone) sizes.push_back(group.size());
  return sizes;
}

using Sizes = std::vector<size_t>;

TEST(SequenceScheduleTest, ShortOnesAreGroupedEvenly) {
  EXPECT_EQ(GroupSizes(8, 64, 2, 256), (Sizes{4, 4}));
  EXPECT_EQ(GroupSizes(10, 64, 2, 256), (Sizes{3, 3, 2, 2}));
  EXPECT_EQ(GroupSizes(16, 64, 1, 256), (Sizes{4, 4, 4, 4}));
  EXPECT_EQ(GroupSizes(4, 196, 2, 256), (Sizes{1, 1, 1, 1}));
  EXPECT_EQ(GroupSizes(2, 64, 2, 256), (Sizes{1, 1})) << "both threads have something to do";
}

TEST(SequenceScheduleTest, PicturesShareAPassWhereEveryThreadHasAsMany) {
  EXPECT_EQ(GroupSizes(2, 196, 2, 512), (Sizes{1, 1}));
  EXPECT_EQ(GroupSizes(4, 196, 2, 512), (Sizes{2, 2}));
  EXPECT_EQ(GroupSizes(4, 196, 4, 512), (Sizes{1, 1, 1, 1}));
  EXPECT_EQ(GroupSizes(8, 196, 2, 512), (Sizes{2, 2, 2, 2}));
  EXPECT_EQ(GroupSizes(5, 196, 1, 512), (Sizes{2, 2, 1}));
  // Five for each of two threads, although five groups would hold them.
  EXPECT_EQ(GroupSizes(10, 196, 2, 512), (Sizes{2, 2, 2, 2, 1, 1}));
  EXPECT_EQ(GroupSizes(12, 196, 4, 512), (Sizes{2, 2, 2, 2, 1, 1, 1, 1}));
  EXPECT_EQ(GroupSizes(3, 300, 1, 512), (Sizes{1, 1, 1}));
  EXPECT_EQ(GroupSizes(10, 196, 1, 1024), (Sizes{5, 5}));
}

TEST(SequenceScheduleTest, RowsOfAPassDependOnThePrecision) {
  EXPECT_EQ(RowsPerPass(Precision::kFloat32), 512);
  EXPECT_EQ(RowsPerPass(Precision::kBFloat16), 512);
  EXPECT_EQ(RowsPerPass(Precision::kInt8), 256);
}

TEST(SequenceScheduleTest, PassesAreThoseOfTheSchedule) {
  const auto passes = [](Precision precision, int threads, int64_t count, int64_t tokens) {
    SiglipEncoderConfig config;
    const LayerContext context = {
        config, Runtime::Create({.threads = threads, .instruction_set = {}}), precision};
    return CountPasses(context, count, tokens);
  };
  EXPECT_EQ(passes(Precision::kFloat32, 2, 8, 196), 4);
  EXPECT_EQ(passes(Precision::kInt8, 2, 8, 196), 8);
  EXPECT_EQ(passes(Precision::kBFloat16, 2, 8, 196), 4);
  EXPECT_EQ(passes(Precision::kBFloat16, 1, 1, 196), 1);
  EXPECT_EQ(passes(Precision::kBFloat16, 2, 5, 196), 3) << "one is computed by both threads";
  EXPECT_EQ(passes(Precision::kInt8, 2, 16, 64), 4);
  EXPECT_EQ(passes(Precision::kInt8, 2, 0, 64), 0);
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
      const SequenceSchedule schedule = ScheduleSequences(tokens, costs, threads, kRowsPerPass);
      std::vector<int64_t> all = schedule.together;
      for (const auto& group : schedule.alone) {
        all.insert(all.end(), group.begin(), group.end());
        int64_t rows = 0;
        for (const int64_t i : group) rows += tokens[static_cast<size_t>(i)];
        EXPECT_TRUE(group.size() == 1 || rows <= kRowsPerPass);
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
