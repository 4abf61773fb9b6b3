// A model in a child of fork().
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "run_in_child.h"
#include "same_bits.h"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

SiglipVisionConfig TinyConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.image_size = 32;
  config.patch_size = 8;
  return config;
}

/// Five pictures: some are computed by one thread, some by all.
Tensor Pictures() {
  Tensor pictures(DType::kF32, {5, 3, 32, 32});
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  for (float& value : pictures.floats()) value = normal(generator);
  return pictures;
}

TEST(Fork, AChildComputesTheSameBitsAndDestroysTheModel) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  const Tensor pictures = Pictures();
  for (const int threads : {1, 2, 4}) {
    std::optional<SiglipVisionModel> model(
        std::in_place, TinyConfig(), 7,
        Runtime::Create({.threads = threads, .instruction_set = {}}));
    const Tensor expected = (*model)(pictures).last_hidden_state;
    const auto child = [&] {
      const bool same = SameBits((*model)(pictures).last_hidden_state, expected);
      model.reset();
      return same;
    };
    EXPECT_TRUE(SucceedsInChild(child));
    EXPECT_TRUE(SucceedsInChild([&] { return SucceedsInChild(child) && child(); }));

    // While other threads of the parent compute.
    std::atomic<bool> done = false;
    std::vector<std::thread> others;
    for (int i = 0; i < 2; ++i) {
      others.emplace_back([&] {
        while (!done) (*model)(pictures);
      });
    }
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(SucceedsInChild(child));
    done = true;
    for (std::thread& other : others) other.join();
    EXPECT_TRUE(SameBits((*model)(pictures).last_hidden_state, expected));
  }
}

}  // namespace
}  // namespace siglip
