// Each class of the model on its own against the formulas of its reference, on every instruction
// set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/reference.h"
#include "model/layer_test_support.h"
#include "model/matrix_rows.h"
#include "model/siglip_encoder.h"
#include "model/siglip_pooling_head.h"
#include "model/siglip_vision.h"
#include "model/vision_forward.h"
#include "siglip/error.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

SiglipVisionConfig SmallConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 36;
  config.intermediate_size = 59;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.image_size = 22;
  config.patch_size = 5;
  config.vision_use_head = true;
  return config;
}

class SiglipLayersTest : public LayersTest {
 protected:
  SiglipLayersTest() : LayersTest(SmallConfig()) {}

  /// pixel_values [B, C, H, W] -> [B, N, D], on one thread.
  Tensor Embed(const SiglipVisionConfig& config, const Tensor& pixels) {
    context_.patch_values = config.patch_values();
    const VisionTowerPlan plan(config);
    const SiglipVisionEmbeddings embeddings(Source("e"), plan);
    const PictureBatch batch = CheckInputs(plan, pixels, false);
    Tensor out(DType::kF32, {pixels.dim(0), batch.tokens, config.hidden_size});
    for (size_t i = 0; i < batch.pictures.size(); ++i) {
      TeamWorkspace team(context_, batch.tokens, 1);
      team.Lay({&batch.tokens, 1});
      Workspace& workspace = team.member(0);
      embeddings.Forward(batch.pictures[i],
                         embeddings.PositionEmbedding(batch.pictures[i].grid)->matrix(),
                         workspace.sequences[0], workspace);
      CopyRows(workspace.hidden_states, DenseRows(out.floats().data(), static_cast<int64_t>(i),
                                                  batch.tokens, config.hidden_size));
    }
    return out;
  }
};

/// A picture of the size the model was trained for.
ReadyPicture Ready(const SiglipVisionModel& model, const float* pixels, float* last,
                   float* pooled) {
  const int64_t side = model.config().patches_per_side();
  return {pixels, {side, side}, last, pooled};
}

TEST_P(SiglipLayersTest, EmbeddingsAreAConvolutionPlusPositions) {
  SiglipVisionConfig config = SmallConfig();
  for (int64_t channels : {1, 3, 4}) {
    for (int64_t patch : {1, 3, 5, 16}) {
      config.num_channels = channels;
      config.patch_size = patch;
      const int64_t hidden = config.hidden_size;
      const Tensor pixels = RandomTensor({3, channels, config.image_size, config.image_size}, 1);
      const reference::Conv2dShape shape = {.in_channels = channels,
                                            .height = config.image_size,
                                            .width = config.image_size,
                                            .out_channels = hidden,
                                            .kernel_height = patch,
                                            .kernel_width = patch,
                                            .stride = patch};
      const auto patches = static_cast<size_t>(config.num_patches());
      const std::vector<float> positions =
          Read("e.position_embedding.weight", {config.num_patches(), hidden});
      ExpectNear(Embed(config, pixels), PerPicture(pixels, [&](std::span<const float> picture) {
                   const std::vector<float> grid = reference::Conv2d(
                       picture, Read("e.patch_embedding.weight", {hidden, channels, patch, patch}),
                       Read("e.patch_embedding.bias", {hidden}), shape);
                   std::vector<float> tokens(grid.size());  // flatten(2).transpose(1, 2)
                   for (size_t d = 0; d < static_cast<size_t>(hidden); ++d) {
                     for (size_t n = 0; n < patches; ++n) {
                       const size_t i = n * static_cast<size_t>(hidden) + d;
                       tokens[i] = grid[d * patches + n] + positions[i];
                     }
                   }
                   return tokens;
                 }));
    }
  }
}

TEST_P(SiglipLayersTest, AttentionMlpLayerAndEncoder) {
  const Tensor in = RandomTensor({3, 19, context_.config.hidden_size}, 2);
  ExpectNear(SiglipAttention(Source("a"))(in),
             PerPicture(in, [&](std::span<const float> x) { return Attention("a", x); }));
  for (const char* act : {"gelu_pytorch_tanh", "gelu", "quick_gelu", "relu", "silu"}) {
    context_.config.hidden_act = act;
    ExpectNear(SiglipMLP(Source("m"))(in),
               PerPicture(in, [&](std::span<const float> x) { return Mlp("m", x); }));
  }
  context_.config.hidden_act = "gelu_pytorch_tanh";
  const auto layer = [&](const std::string& scope) {
    return [this, scope](std::span<const float> x) {
      return EncoderLayer(scope, {x.begin(), x.end()});
    };
  };
  ExpectNear(SiglipEncoderLayer(Source("l"))(in), PerPicture(in, layer("l")));
  ExpectNear(SiglipEncoder(Source("e"))(in), PerPicture(in, [&](std::span<const float> x) {
               return layer("e.layers.1")(layer("e.layers.0")(x));
             }));
}

TEST_P(SiglipLayersTest, PoolingHeadWithoutFoldingGivesTheSame) {
  const Tensor in = RandomTensor({2, 23, context_.config.hidden_size}, 3);
  const int64_t hidden = context_.config.hidden_size;
  const auto pool = [&](std::span<const float> tokens) {
    const std::vector<float> query =
        Linear("h.attention.q_proj", Read("h.probe", {1, 1, hidden}), hidden, hidden);
    const std::vector<float> keys = Linear("h.attention.k_proj", tokens, hidden, hidden);
    const std::vector<float> values = Linear("h.attention.v_proj", tokens, hidden, hidden);
    const auto count = static_cast<size_t>(tokens.size()) / static_cast<size_t>(hidden);
    std::vector<float> context(static_cast<size_t>(hidden));
    const auto head_dim = static_cast<size_t>(context_.config.head_dim());
    for (size_t first = 0; first < context.size(); first += head_dim) {
      std::vector<float> scores;
      for (size_t t = 0; t < count; ++t) {
        double score = 0;
        for (size_t d = first; d < first + head_dim; ++d) {
          score += static_cast<double>(query[d]) * keys[t * context.size() + d];
        }
        scores.push_back(static_cast<float>(score));
      }
      const std::vector<float> p = reference::Softmax(
          scores, static_cast<int64_t>(count), 1.0 / std::sqrt(static_cast<double>(head_dim)));
      for (size_t d = first; d < first + head_dim; ++d) {
        for (size_t t = 0; t < count; ++t) context[d] += p[t] * values[t * context.size() + d];
      }
    }
    std::vector<float> x = Linear("h.attention.out_proj", context, hidden, hidden);
    const std::vector<float> y = Mlp("h.mlp", LayerNorm("h.layernorm", x));
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    return x;
  };
  ExpectNear(SiglipMultiheadAttentionPoolingHead(Source("h"))(in), PerPicture(in, pool));
}

TEST_P(SiglipLayersTest, OnePictureOnTheCallingThreadHasTheBitsOfTheModel) {
  const SiglipVisionModel model(SmallConfig(), 1, context_.runtime);
  const Tensor pixels = RandomTensor({3, 3, 22, 22}, 4);
  const VisionOutput output = model(pixels);
  VisionForward forward(model);
  const auto tokens = static_cast<size_t>(output.last_hidden_state.size() / 3);
  for (size_t picture = 0; picture < 3; ++picture) {
    std::vector<float> last(tokens);
    std::vector<float> pooled(36);
    const ReadyPicture ready =
        Ready(model, pixels.floats().data() + picture * 3 * 22 * 22, last.data(), pooled.data());
    forward.Run({&ready, 1});
    EXPECT_EQ(0, std::memcmp(last.data(), &output.last_hidden_state.floats()[picture * tokens],
                             tokens * sizeof(float)));
    EXPECT_EQ(0, std::memcmp(pooled.data(), &output.pooler_output->floats()[picture * 36],
                             pooled.size() * sizeof(float)));
  }
}

TEST_P(SiglipLayersTest, HeadsOfOddSizeInEveryPrecision) {
  SiglipVisionConfig config = SmallConfig();
  config.hidden_size = 21;
  config.num_attention_heads = 3;  // of 7, an odd number of values in a row of words
  const Tensor pixels = RandomTensor({2, 3, config.image_size, config.image_size}, 8);
  const auto states = [&](Precision precision) {
    const auto runtime = Runtime::Create({.threads = 2, .instruction_set = GetParam()});
    return SiglipVisionModel(config, 5, runtime, precision)(pixels).last_hidden_state;
  };
  const Tensor exact = states(Precision::kFloat32);
  for (const auto& [precision, bound] :
       {std::pair(Precision::kBFloat16, 0.02), std::pair(Precision::kInt8, 0.1)}) {
    const Tensor found = states(precision);
    double distance = 0;
    double norm = 0;
    for (size_t i = 0; i < exact.floats().size(); ++i) {
      distance += std::pow(static_cast<double>(found.floats()[i]) - exact.floats()[i], 2);
      norm += std::pow(exact.floats()[i], 2);
    }
    EXPECT_LE(std::sqrt(distance / norm), bound) << ToString(precision);
    EXPECT_GT(distance, 0) << "nothing was rounded";
  }
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, SiglipLayersTest,
                         testing::ValuesIn(AvailableInstructionSets()),
                         [](const auto& info) { return info.param; });

ErrorCode CodeOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

TEST(SiglipVisionModelTest, RefusesWrongPixelValues) {
  const SiglipVisionModel model(SmallConfig(), 1);
  for (const Shape& shape :
       {Shape{3, 22, 22}, Shape{1, 4, 22, 22}, Shape{1, 3, 22, 23}, Shape{1, 3, 21, 21}, Shape{}}) {
    EXPECT_EQ(CodeOf([&] { model(Tensor(DType::kF32, shape)); }), ErrorCode::kMismatch)
        << ToString(shape);
  }
  EXPECT_EQ(CodeOf([&] { model(Tensor(DType::kU8, {1, 3, 22, 22})); }), ErrorCode::kMismatch);
  EXPECT_EQ(CodeOf([&] {
              model(Tensor(DType::kF32, {1, 3, 22, 4}), {.interpolate_pos_encoding = true});
            }),
            ErrorCode::kMismatch);
}

TEST(SiglipVisionModelTest, OutputsGoWhereTheCallerWantsThem) {
  const SiglipVisionModel model(SmallConfig(), 1);
  const Tensor pixels = RandomTensor({2, 3, 22, 22}, 4);
  const VisionOutput expected = model(pixels);
  std::vector<float> memory(2 * 36, -1.0F);
  VisionOutput into;
  into.pooler_output = Tensor(DType::kF32, {2, 36}, std::as_writable_bytes(std::span(memory)), {});
  const VisionOutput found = model(TensorView(pixels), {}, into);
  EXPECT_EQ(found.pooler_output->floats().data(), memory.data());
  EXPECT_TRUE(std::ranges::equal(memory, expected.pooler_output->floats()));
  EXPECT_TRUE(
      std::ranges::equal(found.last_hidden_state.floats(), expected.last_hidden_state.floats()));
  into.pooler_output = Tensor(DType::kF32, {2, 35});
  EXPECT_EQ(CodeOf([&] { model(pixels, {}, into); }), ErrorCode::kMismatch);
  into = {};
  into.hidden_states.resize(2);  // of 3
  EXPECT_EQ(CodeOf([&] { model(pixels, {.output_hidden_states = true}, into); }),
            ErrorCode::kMismatch);
}

TEST(SiglipVisionModelTest, EmptyBatchGivesEmptyOutputs) {
  const SiglipVisionModel model(SmallConfig(), 1);
  const VisionOutput output = model(Tensor(DType::kF32, {0, 3, 22, 22}));
  EXPECT_EQ(output.last_hidden_state.shape(), (Shape{0, 16, 36}));
  EXPECT_EQ(output.pooler_output->shape(), (Shape{0, 36}));
}

TEST(SiglipVisionModelTest, WithoutAHeadThereIsNoPoolerOutput) {
  SiglipVisionConfig config = SmallConfig();
  config.vision_use_head = false;
  const SiglipVisionModel model(config, 1);
  EXPECT_FALSE(model(RandomTensor({1, 3, 22, 22}, 1)).pooler_output.has_value());
  std::vector<float> pooled(36);
  const std::vector<float> pixels(3 * 22 * 22);
  const ReadyPicture ready = Ready(model, pixels.data(), nullptr, pooled.data());
  EXPECT_EQ(CodeOf([&] { VisionForward(model).Run({&ready, 1}); }), ErrorCode::kUnsupported);
}

TEST(SiglipVisionModelTest, OtherSizesAndAspectRatiosByInterpolation) {
  const SiglipVisionModel model(SmallConfig(), 1);
  const VisionOutput output = model(
      RandomTensor({2, 3, 31, 12}, 1),
      {.interpolate_pos_encoding = true, .output_hidden_states = true, .output_attentions = true});
  EXPECT_EQ(output.last_hidden_state.shape(), (Shape{2, 12, 36}));
  ASSERT_EQ(output.hidden_states.size(), 3U);
  ASSERT_EQ(output.attentions.size(), 2U);
  EXPECT_EQ(output.attentions[0].shape(), (Shape{2, 3, 12, 12}));
}

}  // namespace
}  // namespace siglip
