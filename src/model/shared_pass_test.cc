// That pictures which share a pass over the weights have the bits of each of them alone, whatever
// the batch, the number of threads and what else is asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

constexpr int64_t kMostPictures = 9;
constexpr VisionForwardOptions kEverything = {.output_hidden_states = true,
                                              .output_attentions = true};

std::shared_ptr<const Runtime> RuntimeWith(int threads) {
  return Runtime::Create({.threads = threads, .instruction_set = {}});
}

/// Different in every element, within [-1, 1].
void FillWithPixels(Tensor& pixels) {
  for (size_t i = 0; i < pixels.floats().size(); ++i) {
    pixels.floats()[i] = static_cast<float>(i * 7919 % 2001) / 1000.0F - 1.0F;
  }
}

/// All tensors of an output, each with the pictures as its first axis.
std::vector<const Tensor*> TensorsOf(const VisionOutput& output) {
  std::vector<const Tensor*> tensors = {&output.last_hidden_state, &*output.pooler_output};
  for (const Tensor& states : output.hidden_states) tensors.push_back(&states);
  for (const Tensor& maps : output.attentions) tensors.push_back(&maps);
  return tensors;
}

/// Picture `index` of `found` against `alone`, an output of that picture only.
void ExpectSameBits(const VisionOutput& found, int64_t index, const VisionOutput& alone) {
  const std::vector<const Tensor*> all = TensorsOf(found);
  const std::vector<const Tensor*> expected = TensorsOf(alone);
  ASSERT_EQ(all.size(), expected.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const auto bytes = expected[i]->bytes();
    const auto picture = all[i]->bytes().subspan(static_cast<size_t>(index) * bytes.size());
    ASSERT_GE(picture.size(), bytes.size());
    EXPECT_EQ(0, std::memcmp(picture.data(), bytes.data(), bytes.size())) << "tensor " << i;
  }
}

class SharedPassTest : public testing::TestWithParam<Precision> {};

TEST_P(SharedPassTest, PicturesOfFixedSize) {
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.image_size = 20;  // an odd number of tokens, so that half a word is left over in bf16
  config.patch_size = 4;
  const SiglipVisionModel one(config, 3, RuntimeWith(1), GetParam());
  std::vector<VisionOutput> alone;
  Tensor pixels(DType::kF32, {kMostPictures, 3, 20, 20});
  FillWithPixels(pixels);
  EXPECT_EQ(one.passes(kMostPictures, 25), 1) << "all share it";
  const size_t size = pixels.floats().size() / kMostPictures;
  for (size_t i = 0; i < kMostPictures; ++i) {
    Tensor picture(DType::kF32, {1, 3, 20, 20});
    std::ranges::copy(pixels.floats().subspan(i * size, size), picture.floats().begin());
    alone.push_back(one(picture, kEverything));
  }
  for (const int threads : {1, 2, 3, 5}) {
    const SiglipVisionModel model(config, 3, RuntimeWith(threads), GetParam());
    for (int64_t batch = 1; batch <= kMostPictures; ++batch) {
      SCOPED_TRACE(std::to_string(threads) + " threads, batch " + std::to_string(batch));
      Tensor some(DType::kF32, {batch, 3, 20, 20});
      std::ranges::copy(pixels.floats().first(some.floats().size()), some.floats().begin());
      const VisionOutput found = model(some, kEverything);
      for (int64_t i = 0; i < batch; ++i) ExpectSameBits(found, i, alone[static_cast<size_t>(i)]);
    }
  }
}

TEST_P(SharedPassTest, NaflexPicturesOfMixedShapes) {
  Siglip2VisionConfig config;
  config.hidden_size = 36;
  config.intermediate_size = 20;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.num_patches = 9;
  config.patch_size = 3;
  constexpr int64_t kTokens = 150;  // more than a few of the largest in a pass
  const int64_t values = config.patch_values();
  const int64_t shapes[kMostPictures][2] = {{10, 15}, {1, 3}, {7, 9}, {1, 1},  {12, 12},
                                            {2, 3},   {5, 5}, {3, 1}, {15, 10}};
  const auto inputs_of = [&](int64_t first, int64_t count) {
    Tensor all(DType::kF32, {kMostPictures, kTokens, values});
    FillWithPixels(all);
    VisionInputs inputs = {
        Tensor(DType::kF32, {count, kTokens, values}), {}, Tensor(DType::kI64, {count, 2})};
    std::ranges::copy(all.floats().subspan(static_cast<size_t>(first * kTokens * values),
                                           static_cast<size_t>(count * kTokens * values)),
                      inputs.pixel_values.floats().begin());
    for (int64_t i = 0; i < 2 * count; ++i) {
      inputs.spatial_shapes.values<int64_t>()[static_cast<size_t>(i)] =
          shapes[first + i / 2][i % 2];
    }
    return inputs;
  };
  const Siglip2VisionModel one(config, 3, RuntimeWith(1), GetParam());
  std::vector<VisionOutput> alone;
  for (int64_t i = 0; i < kMostPictures; ++i) alone.push_back(one(inputs_of(i, 1), kEverything));
  for (const int threads : {1, 2, 3}) {
    const Siglip2VisionModel model(config, 3, RuntimeWith(threads), GetParam());
    for (int64_t batch = 1; batch <= kMostPictures; ++batch) {
      SCOPED_TRACE(std::to_string(threads) + " threads, batch " + std::to_string(batch));
      const VisionOutput found = model(inputs_of(0, batch), kEverything);
      for (int64_t i = 0; i < batch; ++i) ExpectSameBits(found, i, alone[static_cast<size_t>(i)]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, SharedPassTest,
                         testing::Values(Precision::kFloat32, Precision::kBFloat16,
                                         Precision::kInt8),
                         [](const auto& precision) {
                           return std::string(ToString(precision.param));
                         });

}  // namespace
}  // namespace siglip
