// What tests of the network's layers share: random weights, and every layer in naive formulas.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/reference.h"
#include "model/layer_source.h"
#include "model/linear.h"
#include "siglip/transformers/vision_model.hpp"
#include "weights/weight_source.h"

namespace siglip {

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

inline SiglipVisionConfig OddTokensConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 3;
  config.image_size = 20;  // an odd number of tokens, so that half a word is left over in bf16
  config.patch_size = 4;
  return config;
}

inline Tensor RandomTensor(const Shape& shape, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Tensor tensor(DType::kF32, shape);
  for (float& value : tensor.floats()) value = normal(generator);
  return tensor;
}

/// Parametrised by the instruction set.
class LayersTest : public testing::TestWithParam<std::string> {
 protected:
  explicit LayersTest(const SiglipEncoderConfig& config)
      : context_{config, Runtime::Create({.threads = 2, .instruction_set = GetParam()}),
                 Precision::kFloat32} {}

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
  LayerContext context_;
};

}  // namespace siglip
