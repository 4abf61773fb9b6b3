// That pictures which share a pass over the weights have the bits of each of them alone, whatever
// the batch, the number of threads and what else is asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "model/layer_test_support.h"
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

/// In batches of every size, by several numbers of threads. new_model(threads) makes the model,
/// inputs_of(first, count) its inputs of these pictures.
template <class NewModel, class InputsOf>
void ExpectSameBitsInEveryBatch(const NewModel& new_model, const InputsOf& inputs_of) {
  const auto one = new_model(1);
  std::vector<VisionOutput> alone;
  for (int64_t i = 0; i < kMostPictures; ++i) alone.push_back(one(inputs_of(i, 1), kEverything));
  for (const int threads : {1, 2, 3, 5}) {
    const auto model = new_model(threads);
    for (int64_t batch = 1; batch <= kMostPictures; ++batch) {
      SCOPED_TRACE(std::to_string(threads) + " threads, batch " + std::to_string(batch));
      const VisionOutput found = model(inputs_of(0, batch), kEverything);
      for (int64_t i = 0; i < batch; ++i) ExpectSameBits(found, i, alone[static_cast<size_t>(i)]);
    }
  }
}

/// Rows [first, first + count) of the first axis.
Tensor RowsOf(const Tensor& all, int64_t first, int64_t count) {
  Shape shape = all.shape();
  const size_t size = all.floats().size() / static_cast<size_t>(shape[0]);
  shape[0] = count;
  Tensor rows(DType::kF32, shape);
  std::ranges::copy(all.floats().subspan(static_cast<size_t>(first) * size, rows.floats().size()),
                    rows.floats().begin());
  return rows;
}

class SharedPassTest : public testing::TestWithParam<Precision> {};

TEST_P(SharedPassTest, PicturesOfFixedSize) {
  const auto new_model = [](int threads) {
    return SiglipVisionModel(OddTokensConfig(), 3, RuntimeWith(threads), GetParam());
  };
  EXPECT_EQ(new_model(1).passes(kMostPictures, 25), 1) << "all share it";
  Tensor pixels(DType::kF32, {kMostPictures, 3, 20, 20});
  FillWithPixels(pixels);
  ExpectSameBitsInEveryBatch(
      new_model, [&](int64_t first, int64_t count) { return RowsOf(pixels, first, count); });
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
  const int64_t shapes[kMostPictures][2] = {{10, 15}, {1, 3}, {7, 9}, {1, 1},  {12, 12},
                                            {2, 3},   {5, 5}, {3, 1}, {15, 10}};
  Tensor pixels(DType::kF32, {kMostPictures, kTokens, config.patch_values()});
  FillWithPixels(pixels);
  const auto inputs_of = [&](int64_t first, int64_t count) {
    VisionInputs inputs = {RowsOf(pixels, first, count), {}, Tensor(DType::kI64, {count, 2})};
    for (int64_t i = 0; i < 2 * count; ++i) {
      inputs.spatial_shapes.values<int64_t>()[static_cast<size_t>(i)] =
          shapes[first + i / 2][i % 2];
    }
    return inputs;
  };
  ExpectSameBitsInEveryBatch(
      [&](int threads) { return Siglip2VisionModel(config, 3, RuntimeWith(threads), GetParam()); },
      inputs_of);
}

INSTANTIATE_TEST_SUITE_P(Precisions, SharedPassTest,
                         testing::Values(Precision::kFloat32, Precision::kBFloat16,
                                         Precision::kInt8),
                         [](const auto& precision) {
                           return std::string(ToString(precision.param));
                         });

}  // namespace
}  // namespace siglip
