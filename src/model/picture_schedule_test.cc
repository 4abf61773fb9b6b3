// How pictures are shared among threads: every one once, and no thread left idle for long.
#include "model/picture_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <set>
#include <vector>

namespace siglip {
namespace {

TEST(PictureScheduleTest, EqualPicturesGoToThreadsAndTheOddOnesAreComputedTogether) {
  const std::vector<double> costs(7, 1.0);
  const PictureSchedule two = SchedulePictures(costs, 2);
  EXPECT_EQ(two.together, (std::vector<int64_t>{0}));
  EXPECT_EQ(two.alone, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  const PictureSchedule three = SchedulePictures(costs, 3);
  EXPECT_EQ(three.together.size(), 1U);
  EXPECT_EQ(SchedulePictures(costs, 7).together.size(), 0U);
}

TEST(PictureScheduleTest, AGiantIsComputedTogether) {
  const PictureSchedule schedule = SchedulePictures(std::vector<double>{1, 1, 100, 1}, 2);
  ASSERT_FALSE(schedule.together.empty());
  EXPECT_EQ(schedule.together.front(), 2);
}

TEST(PictureScheduleTest, TheLargestFirst) {
  const PictureSchedule schedule = SchedulePictures(std::vector<double>{1, 4, 2, 3, 2}, 2);
  EXPECT_EQ(schedule.together.size(), 0U);
  EXPECT_EQ(schedule.alone, (std::vector<int64_t>{1, 3, 2, 4, 0}));
}

TEST(PictureScheduleTest, OneThreadComputesEverythingAlone) {
  EXPECT_EQ(SchedulePictures(std::vector<double>{3, 1, 2}, 1).alone,
            (std::vector<int64_t>{0, 2, 1}));
}

TEST(PictureScheduleTest, EveryPictureOnceWhateverTheSizes) {
  for (const int threads : {1, 2, 3, 8}) {
    for (size_t count = 0; count < 40; ++count) {
      std::vector<double> costs;
      for (size_t i = 0; i < count; ++i) costs.push_back(static_cast<double>(1 + i * i * 7 % 23));
      const PictureSchedule schedule = SchedulePictures(costs, threads);
      std::vector<int64_t> all = schedule.together;
      all.insert(all.end(), schedule.alone.begin(), schedule.alone.end());
      std::ranges::sort(all);
      std::vector<int64_t> expected(count);
      std::iota(expected.begin(), expected.end(), int64_t{0});
      EXPECT_EQ(all, expected);
    }
  }
}

TEST(PictureScheduleTest, WorkSeesWorkspacesOfItsPicturesSize) {
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
    ForEachPictureBySize(context, tokens, [&](int64_t picture, Workspace& workspace) {
      const auto i = static_cast<size_t>(picture);
      const std::lock_guard lock(mutex);
      EXPECT_EQ(workspace.hidden_states.rows, tokens[i]);
      rows[i] += workspace.end - workspace.begin;
    });
    EXPECT_EQ(rows, tokens);
  }
}

}  // namespace
}  // namespace siglip
