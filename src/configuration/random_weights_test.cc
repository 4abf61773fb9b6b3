// Random weights: statistics of every tensor, determinism, and values fixed for all time.
#include "configuration/random_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "configuration/vision_tower_plan.h"
#include "expect_error.h"

namespace siglip {
namespace {

SiglipVisionConfig SmallConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 192;
  config.intermediate_size = 768;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 3;
  config.image_size = 224;
  return config;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  double largest = 0;  // in magnitude
};

Moments Measure(const std::vector<float>& values) {
  Moments moments;
  double squares = 0;
  for (float value : values) {
    moments.mean += value;
    squares += static_cast<double>(value) * value;
    moments.largest = std::max(moments.largest, std::abs(static_cast<double>(value)));
  }
  const auto count = static_cast<double>(values.size());
  moments.mean /= count;
  moments.deviation = std::sqrt(squares / count - moments.mean * moments.mean);
  return moments;
}

TensorSpec Find(const SiglipVisionConfig& config, const std::string& name) {
  for (const TensorSpec& tensor : VisionTensors(config)) {
    if (tensor.name == "vision_model." + name) return tensor;
  }
  ADD_FAILURE() << "no tensor " << name;
  return {};
}

TEST(RandomWeights, UniformTensorsHaveXavierBounds) {
  const SiglipVisionConfig config = SmallConfig();
  const auto weights = RandomVisionWeights(config, 7);
  const std::string layer = "encoder.layers.0.";
  const std::vector<std::pair<std::string, double>> cases = {
      {layer + "self_attn.q_proj.weight", 6.0 / (192 + 192)},
      {layer + "self_attn.k_proj.weight", 6.0 / (192 + 192)},
      {layer + "self_attn.v_proj.weight", 6.0 / (192 + 192)},
      {layer + "self_attn.out_proj.weight", 6.0 / (192 + 192)},
      {layer + "mlp.fc1.weight", 6.0 / (192 + 768)},
      {layer + "mlp.fc2.weight", 6.0 / (192 + 768)},
      {"head.probe", 6.0 / (192 + 192)},
      {"head.attention.q_proj.weight", 6.0 / (192 + 3 * 192)},
      {"head.attention.k_proj.weight", 6.0 / (192 + 3 * 192)},
      {"head.attention.v_proj.weight", 6.0 / (192 + 3 * 192)},
      {"head.mlp.fc1.weight", 6.0 / (192 + 768)},
      {"head.mlp.fc2.weight", 6.0 / (192 + 768)},
  };
  for (const auto& [name, bound_squared] : cases) {
    const Moments moments = Measure(weights->Read(Find(config, name)));
    const double bound = std::sqrt(bound_squared);
    const double tolerance = name == "head.probe" ? 0.15 : 0.02;
    EXPECT_LE(moments.largest, bound) << name;
    EXPECT_GT(moments.largest, (1 - tolerance) * bound) << name;
    EXPECT_NEAR(moments.deviation, bound / std::sqrt(3.0), tolerance * bound) << name;
    EXPECT_NEAR(moments.mean, 0, tolerance * bound) << name;
  }
}

TEST(RandomWeights, NormalTensorsHaveTheirDeviations) {
  const SiglipVisionConfig config = SmallConfig();
  const auto weights = RandomVisionWeights(config, 7);
  // transformers divides by the deviation of a standard normal cut at two, but cuts at two itself.
  constexpr double kLecun = 1 / 0.87962566103423978;
  const std::vector<std::pair<std::string, double>> cases = {
      {"embeddings.position_embedding.weight", 1 / std::sqrt(192.0)},
      {"embeddings.patch_embedding.weight", kLecun / std::sqrt(768.0)},
      {"head.attention.out_proj.weight", kLecun / std::sqrt(192.0)},
      {"encoder.layers.0.mlp.fc1.bias", 1e-6},
      {"encoder.layers.0.mlp.fc2.bias", 1e-6},
      {"head.mlp.fc1.bias", 1e-6},
      {"head.mlp.fc2.bias", 1e-6},
  };
  for (const auto& [name, deviation] : cases) {
    const std::vector<float> values = weights->Read(Find(config, name));
    const Moments moments = Measure(values);
    const double error = 4 / std::sqrt(static_cast<double>(values.size()));  // four sigma
    EXPECT_NEAR(moments.deviation, deviation, error * deviation) << name;
    EXPECT_NEAR(moments.mean, 0, error * deviation) << name;
    const auto within =
        std::count_if(values.begin(), values.end(),
                      [limit = deviation](float value) { return std::abs(value) < limit; });
    EXPECT_NEAR(static_cast<double>(within) / static_cast<double>(values.size()), 0.6827, error)
        << name;
  }
}

TEST(RandomWeights, TheRestIsConstant) {
  const SiglipVisionConfig config = SmallConfig();
  const auto weights = RandomVisionWeights(config, 7);
  int constant = 0;
  for (const TensorSpec& tensor : VisionTensors(config)) {
    const bool is_norm = tensor.name.find("norm") != std::string::npos;
    const bool is_bias =
        tensor.name.ends_with(".bias") && tensor.name.find(".fc") == std::string::npos;
    if (!is_norm && !is_bias) continue;
    ++constant;
    const float expected = is_norm && !is_bias ? 1.0F : 0.0F;
    for (float value : weights->Read(tensor)) ASSERT_EQ(value, expected) << tensor.name;
  }
  // patch; 2 norms and 4 projections of the layer; post norm; norm and 4 projections of the head.
  EXPECT_EQ(constant, 1 + (4 + 4) + 2 + (2 + 4));
}

TEST(RandomWeights, AreCutAtTwo) {
  SiglipVisionConfig config = SmallConfig();
  config.num_channels = 1;
  config.patch_size = 1;  // a fan-in of one: deviation 1.137, so that cutting matters
  config.image_size = 2;
  config.hidden_size = 30'000;
  config.num_attention_heads = 1;
  const auto weights = RandomVisionWeights(config, 7);
  const Moments moments = Measure(weights->Read(Find(config, "embeddings.patch_embedding.weight")));
  EXPECT_LE(moments.largest, 2.0);
  EXPECT_GT(moments.largest, 1.99);
  EXPECT_NEAR(moments.deviation, 0.930, 0.02);
}

TEST(RandomWeights, DependOnSeedAndNameOnly) {
  const SiglipVisionConfig config = SmallConfig();
  const auto one = RandomVisionWeights(config, 7);
  const auto same = RandomVisionWeights(config, 7);
  const auto other = RandomVisionWeights(config, 8);
  const TensorSpec query = Find(config, "encoder.layers.0.self_attn.q_proj.weight");
  const TensorSpec key = Find(config, "encoder.layers.0.self_attn.k_proj.weight");
  const std::vector<float> values = one->Read(query);
  EXPECT_NE(values, one->Read(key));
  EXPECT_EQ(values, same->Read(query));
  EXPECT_EQ(values, one->Read(query));
  EXPECT_NE(values, other->Read(query));
}

/// Bit for bit, so that a change of compiler, machine or code that alters weights is noticed.
TEST(RandomWeights, AreTheSameOnEveryMachine) {
  const SiglipVisionConfig config = SmallConfig();
  const auto weights = RandomVisionWeights(config, 42);
  const auto checksum = [&](const std::string& name) {
    uint64_t hash = 0xCBF29CE484222325U;
    for (float value : weights->Read(Find(config, name))) {
      hash = (hash ^ std::bit_cast<uint32_t>(value)) * 0x100000001B3U;
    }
    return hash;
  };
  EXPECT_EQ(checksum("encoder.layers.0.self_attn.q_proj.weight"), 0x1224321525001BDEU);
  EXPECT_EQ(checksum("embeddings.position_embedding.weight"), 0x674321DB3CA8FCC3U);
  EXPECT_EQ(checksum("embeddings.patch_embedding.weight"), 0x3CC1EB1EECFD491FU);
}

TEST(RandomWeights, HeadOnlyWhereThereIsOne) {
  SiglipVisionConfig config = SmallConfig();
  EXPECT_TRUE(RandomVisionWeights(config, 0)->Contains("vision_model.head.probe"));
  config.vision_use_head = false;
  const auto weights = RandomVisionWeights(config, 0);
  EXPECT_FALSE(weights->Contains("vision_model.head.probe"));
  ExpectError(ErrorCode::kNotFound, {"head.probe"}, [&] {
    weights->Read({"vision_model.head.probe", {1, 1, 192}});
  });
}

TEST(RandomWeights, ShapesAreChecked) {
  const auto weights = RandomVisionWeights(SmallConfig(), 0);
  ExpectError(ErrorCode::kMismatch, {"post_layernorm.weight", "[192]", "[193]"}, [&] {
    weights->Read({"vision_model.post_layernorm.weight", {193}});
  });
  SiglipVisionConfig bad = SmallConfig();
  bad.num_attention_heads = 5;
  ExpectError(ErrorCode::kInvalidArgument, {"num_attention_heads"},
              [&] { RandomVisionWeights(bad, 0); });
}

}  // namespace
}  // namespace siglip
