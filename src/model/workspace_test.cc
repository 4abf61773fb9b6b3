// That memory of earlier calls is used again and leaves no trace in results.
#include "model/workspace.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "run_in_child.h"

namespace siglip {
namespace {

SiglipVisionConfig SmallConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 3;
  config.image_size = 20;  // an odd number of tokens, so that half a word is left over in bf16
  config.patch_size = 4;
  return config;
}

LayerContext ContextOf(int threads) {
  return {SmallConfig(), Runtime::Create({.threads = threads, .instruction_set = {}}),
          Precision::kFloat32};
}

TEST(WorkspaceCacheTest, ReturnsWhatFits) {
  const LayerContext context = ContextOf(2);
  WorkspaceCache cache;
  auto first = cache.Take(context, 9, 1, 0);
  const TeamWorkspace* const place = first.get();
  cache.Put(context, std::move(first));
  EXPECT_NE(cache.Take(context, 10, 1, 0).get(), place);
  EXPECT_NE(cache.Take(context, 9, 2, 0).get(), place);
  EXPECT_NE(cache.Take(context, 9, 1, 48).get(), place);
  const auto again = cache.Take(context, 9, 1, 0);
  EXPECT_EQ(again.get(), place);
  EXPECT_NE(cache.Take(context, 9, 1, 0).get(), place) << "it is in use";
}

TEST(WorkspaceCacheTest, KeepsOneMoreThanThereAreThreads) {
  const LayerContext context = ContextOf(2);
  WorkspaceCache cache;
  std::vector<std::unique_ptr<TeamWorkspace>> taken;
  std::vector<const TeamWorkspace*> places;
  for (int64_t tokens = 1; tokens <= 4; ++tokens) {
    taken.push_back(cache.Take(context, tokens, 1, 0));
    places.push_back(taken.back().get());
  }
  for (auto& workspace : taken) cache.Put(context, std::move(workspace));
  EXPECT_EQ(cache.size(), 3U);
  for (size_t i = 1; i < places.size(); ++i) {
    EXPECT_EQ(cache.Take(context, static_cast<int64_t>(i) + 1, 1, 0).get(), places[i]);
  }
}

TEST(WorkspaceCacheTest, ForgetsWhereOutputsWent) {
  const LayerContext context = ContextOf(2);
  WorkspaceCache cache;
  auto workspace = cache.Take(context, 4, 2, 0);
  float elsewhere = 0;
  workspace->member(1).hidden_states_out.push_back(&elsewhere);
  workspace->member(1).attentions_out.push_back(&elsewhere);
  cache.Put(context, std::move(workspace));
  workspace = cache.Take(context, 4, 2, 0);
  EXPECT_TRUE(workspace->member(1).hidden_states_out.empty());
  EXPECT_TRUE(workspace->member(1).attentions_out.empty());
}

TEST(WorkspaceCacheTest, CallsUseTheSameMemory) {
  const LayerContext context = ContextOf(2);
  std::atomic<const float*> first = nullptr;
  ForEachPicture(context, 1, 9,
                 [&](int64_t, Workspace& workspace) { first = workspace.hidden_states.data; });
  ForEachPicture(context, 1, 9, [&](int64_t, Workspace& workspace) {
    EXPECT_EQ(workspace.hidden_states.data, first.load());
  });
}

TEST(WorkspaceCacheTest, AChildOfForkUsesItWhateverOtherThreadsDid) {
  const LayerContext context = ContextOf(2);
  WorkspaceCache cache;
  const auto use = [&] { cache.Put(context, cache.Take(context, 9, 1, 0)); };
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

TEST(WorkspaceCacheTest, EarlierCallsLeaveNoTraceInResults) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    const auto runtime = Runtime::Create({.threads = 2, .instruction_set = {}});
    const SiglipVisionModel model(SmallConfig(), 3, runtime, precision);
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
