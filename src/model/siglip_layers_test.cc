// Each class of the model on its own against the formulas of its reference, on every instruction
// set.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "kernels/reference.h"
#include "model/linear.h"
#include "model/single_picture.h"
#include "siglip/error.h"
#include "siglip/vision_model.h"
#include "weights/weight_source.h"

namespace siglip {
namespace {

/// Every tensor is there, random, scaled so that activations keep their size.
class TestWeights final : public WeightSource {
 public:
  bool Contains(const std::string& /*name*/) const override { return true; }
  std::vector<float> Read(const TensorSpec& tensor) const override {
    std::mt19937 generator(static_cast<uint32_t>(std::hash<std::string>()(tensor.name)));
    const int64_t fan_in =
        tensor.shape.size() < 2 ? 4 : ElementCount(tensor.shape) / tensor.shape[0];
    std::normal_distribution<float> normal(0.0F, 1.0F / std::sqrt(static_cast<float>(fan_in)));
    std::vector<float> values(static_cast<size_t>(ElementCount(tensor.shape)));
    for (float& value : values) value = normal(generator);
    return values;
  }
};

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

Tensor RandomTensor(const Shape& shape, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Tensor tensor(DType::kF32, shape);
  for (float& value : tensor.floats()) value = normal(generator);
  return tensor;
}

class SiglipLayersTest : public testing::TestWithParam<std::string> {
 protected:
  LayerSource Source(const std::string& scope) const { return {weights_, scope, context_}; }

  std::vector<float> Read(const std::string& name, const Shape& shape) const {
    return weights_.Read({name, shape});
  }
  std::vector<float> Linear(const std::string& scope, std::span<const float> in, int64_t outputs,
                            int64_t inputs) const {
    return reference::Linear(in, Read(scope + ".weight", {outputs, inputs}),
                             Read(scope + ".bias", {outputs}),
                             static_cast<int64_t>(in.size()) / inputs, outputs, inputs);
  }
  std::vector<float> LayerNorm(const std::string& scope, std::span<const float> in) const {
    return reference::LayerNorm(in, Read(scope + ".weight", {context_.config.hidden_size}),
                                Read(scope + ".bias", {context_.config.hidden_size}),
                                context_.config.hidden_size, context_.config.layer_norm_eps);
  }
  std::vector<float> Mlp(const std::string& scope, std::span<const float> in) const {
    std::vector<float> hidden =
        Linear(scope + ".fc1", in, context_.config.intermediate_size, context_.config.hidden_size);
    for (float& x : hidden) {
      x = static_cast<float>(reference::Apply(ParseActivation(context_.config.hidden_act), x));
    }
    return Linear(scope + ".fc2", hidden, context_.config.hidden_size,
                  context_.config.intermediate_size);
  }
  std::vector<float> Attention(const std::string& scope, std::span<const float> in) const {
    const int64_t hidden = context_.config.hidden_size;
    const std::vector<float> context = reference::Attention(
        Linear(scope + ".q_proj", in, hidden, hidden),
        Linear(scope + ".k_proj", in, hidden, hidden),
        Linear(scope + ".v_proj", in, hidden, hidden), static_cast<int64_t>(in.size()) / hidden,
        context_.config.num_attention_heads, context_.config.head_dim());
    return Linear(scope + ".out_proj", context, hidden, hidden);
  }
  std::vector<float> EncoderLayer(const std::string& scope, std::vector<float> x) const {
    const auto add = [&x](const std::vector<float>& y) {
      for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    };
    add(Attention(scope + ".self_attn", LayerNorm(scope + ".layer_norm1", x)));
    add(Mlp(scope + ".mlp", LayerNorm(scope + ".layer_norm2", x)));
    return x;
  }

  static void ExpectNear(const Tensor& found, const std::vector<float>& expected) {
    ASSERT_EQ(found.floats().size(), expected.size());
    double distance = 0;
    double norm = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      const double e = expected[i];
      distance += (found.floats()[i] - e) * (found.floats()[i] - e);
      norm += e * e;
    }
    EXPECT_LE(std::sqrt(distance / norm), 3e-6);
  }

  /// One picture [tokens, D] at a time of in [B, tokens, D] through a naive formula.
  template <class Function>
  std::vector<float> PerPicture(const Tensor& in, Function function) const {
    std::vector<float> all;
    const auto size = static_cast<size_t>(in.size() / in.dim(0));
    for (size_t picture = 0; picture < static_cast<size_t>(in.dim(0)); ++picture) {
      const std::vector<float> one = function(in.floats().subspan(picture * size, size));
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

  TestWeights weights_;
  LayerContext context_ = {SmallConfig(),
                           Runtime::Create({.threads = 2, .instruction_set = GetParam()}),
                           Precision::kFloat32};
};

TEST_P(SiglipLayersTest, EmbeddingsAreAConvolutionPlusPositions) {
  SiglipVisionConfig config = SmallConfig();
  for (int64_t channels : {1, 3, 4}) {
    for (int64_t patch : {1, 3, 5, 16}) {
      config.num_channels = channels;
      config.patch_size = patch;
      const int64_t hidden = config.hidden_size;
      const SiglipVisionEmbeddings embeddings(Source("e"), config);
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
      ExpectNear(embeddings(pixels), PerPicture(pixels, [&](std::span<const float> picture) {
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

TEST_P(SiglipLayersTest, SinglePictureForwardHasTheBitsOfTheModel) {
  const SiglipVisionModel model(SmallConfig(), 1, context_.runtime);
  const Tensor pixels = RandomTensor({3, 3, 22, 22}, 4);
  const VisionOutput output = model(pixels);
  SinglePictureForward forward(model);
  const auto tokens = static_cast<size_t>(output.last_hidden_state.size() / 3);
  for (size_t picture = 0; picture < 3; ++picture) {
    std::vector<float> last(tokens);
    std::vector<float> pooled(36);
    forward.Run(pixels.floats().data() + picture * 3 * 22 * 22, last.data(), pooled.data());
    EXPECT_EQ(0, std::memcmp(last.data(), &output.last_hidden_state.floats()[picture * tokens],
                             tokens * sizeof(float)));
    EXPECT_EQ(0, std::memcmp(pooled.data(), &output.pooler_output->floats()[picture * 36],
                             pooled.size() * sizeof(float)));
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
  EXPECT_EQ(CodeOf([&] { SinglePictureForward(model).Run(pixels.data(), nullptr, pooled.data()); }),
            ErrorCode::kUnsupported);
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
