// That memory of earlier calls is used again and leaves no trace in results.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "model/layer_test_support.h"
#include "model/sequence_schedule.h"
#include "model/workspace_cache.h"
#include "run_in_child.h"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

LayerContext ContextOf(int threads) {
  return {OddTokensConfig(), Runtime::Create({.threads = threads, .instruction_set = {}}),
          Precision::kFloat32};
}

TEST(WorkspaceCacheTest, ReturnsTheSmallestWithRoom) {
  const LayerContext context = ContextOf(3);
  WorkspaceCache cache;
  auto large = cache.Take(context, 20, 1);
  auto small = cache.Take(context, 9, 1);
  const TeamWorkspace* const places[] = {small.get(), large.get()};
  cache.Put(context, std::move(large));
  cache.Put(context, std::move(small));
  EXPECT_NE(cache.Take(context, 9, 2).get(), places[0]);
  const auto first = cache.Take(context, 8, 1);
  EXPECT_EQ(first.get(), places[0]);
  const auto second = cache.Take(context, 8, 1);
  EXPECT_EQ(second.get(), places[1]);
  EXPECT_NE(cache.Take(context, 8, 1).get(), places[0]) << "it is in use";
}

TEST(WorkspaceCacheTest, WhatIsTooSmallGivesWay) {
  const LayerContext context = ContextOf(3);
  WorkspaceCache cache;
  cache.Put(context, cache.Take(context, 9, 1));
  cache.Put(context, cache.Take(context, 10, 1));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.Take(context, 3, 1)->rows(), 10);
}

TEST(WorkspaceCacheTest, KeepsOneMoreThanThereAreThreads) {
  const LayerContext context = ContextOf(2);
  WorkspaceCache cache;
  std::vector<std::unique_ptr<TeamWorkspace>> taken;
  for (int64_t tokens = 1; tokens <= 4; ++tokens) taken.push_back(cache.Take(context, tokens, 1));
  for (auto& workspace : taken) cache.Put(context, std::move(workspace));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.Take(context, 1, 1)->rows(), 2) << "the first to come was the first to go";
}

TEST(WorkspaceCacheTest, AChildOfForkUsesItWhateverOtherThreadsDid) {
  const LayerContext context = ContextOf(2);
  WorkspaceCache cache;
  const auto use = [&] { cache.Put(context, cache.Take(context, 9, 1)); };
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!done) use();
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(SucceedsInChild([&] {
      use();
      return cache.size() > 0;
    }));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(WorkspaceTest, ForgetsWhereOutputsWent) {
  TeamWorkspace team(ContextOf(2), 4, 2);
  const int64_t tokens = 4;
  team.Lay({&tokens, 1});
  float elsewhere = 0;
  team.member(1).sequences[0].hidden_states.push_back(&elsewhere);
  team.member(1).only_last_tokens = true;
  team.Lay({&tokens, 1});
  EXPECT_TRUE(team.member(1).sequences[0].hidden_states.empty());
  EXPECT_FALSE(team.member(1).only_last_tokens);
}

TEST(WorkspaceTest, LaysSequencesOneAfterTheOther) {
  TeamWorkspace team(ContextOf(1), 12, 1);
  const std::vector<int64_t> tokens = {3, 1, 6};
  team.Lay(tokens);
  const Workspace& workspace = team.member(0);
  ASSERT_EQ(workspace.sequences.size(), 3U);
  EXPECT_EQ(workspace.sequences[1].begin, 3);
  EXPECT_EQ(workspace.sequences[2].begin, 4);
  EXPECT_EQ(workspace.sequences[2].end, 10);
  EXPECT_EQ(workspace.hidden_states.rows, 10);
  EXPECT_EQ(workspace.end, 10);
}

TEST(WorkspaceCacheTest, CallsUseTheSameMemory) {
  const LayerContext context = ContextOf(2);
  const std::vector<int64_t> one = {9};
  std::atomic<const float*> first = nullptr;
  ForEachGroup(context, one, [&](std::span<const int64_t>, Workspace& workspace) {
    first = workspace.hidden_states.data;
  });
  ForEachGroup(context, one, [&](std::span<const int64_t>, Workspace& workspace) {
    EXPECT_EQ(workspace.hidden_states.data, first.load());
  });
}

TEST(WorkspaceCacheTest, EarlierCallsLeaveNoTraceInResults) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    const auto runtime = Runtime::Create({.threads = 2, .instruction_set = {}});
    const SiglipVisionModel model(OddTokensConfig(), 3, runtime, precision);
    Tensor pixels(DType::kF32, {3, 3, 20, 20});
    Tensor huge(DType::kF32, {3, 3, 20, 20});
    for (size_t i = 0; i < pixels.floats().size(); ++i) {
      pixels.floats()[i] = static_cast<float>(i % 29) / 29.0F - 0.5F;
      huge.floats()[i] = 1e30F * static_cast<float>(i % 7);
    }
    const VisionOutput fresh = model(pixels, {});
    VisionForwardOptions everything;
    everything.output_hidden_states = true;
    everything.output_attentions = true;
    model(huge, everything);
    const VisionOutput used = model(pixels, {});
    const auto& a = fresh.last_hidden_state.floats();
    const auto& b = used.last_hidden_state.floats();
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(0, std::memcmp(a.data(), b.data(), a.size_bytes())) << ToString(precision);
  }
}

}  // namespace
}  // namespace siglip
