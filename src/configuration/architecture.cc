// See architecture.h.
#include "configuration/architecture.h"

#include <cmath>
#include <utility>

namespace siglip {
namespace {

using Distribution = Initialization::Distribution;

constexpr Initialization kZeros = {Distribution::kConstant, 0.0};
constexpr Initialization kOnes = {Distribution::kConstant, 1.0};
constexpr Initialization kAlmostZeros = {Distribution::kNormal, 1e-6};

Initialization XavierUniform(int64_t fan_in, int64_t fan_out) {
  return {Distribution::kUniform, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out))};
}

/// transformers' lecun_normal_: a normal of the standard deviation that would become
/// sqrt(1 / fan_in) if it were cut at two deviations.
Initialization LecunNormal(int64_t fan_in) {
  return {Distribution::kTruncatedNormal,
          std::sqrt(1.0 / static_cast<double>(fan_in)) / 0.87962566103423978};
}

Initialization EmbeddingNormal(int64_t size) {
  return {Distribution::kNormal, 1.0 / std::sqrt(static_cast<double>(size))};
}

/// Puts a tower together, part by part.
class Builder {
 public:
  /// `root` precedes every name, e.g. "vision_model.".
  explicit Builder(std::string root) : root_(std::move(root)) {}

  void Add(const std::string& name, Shape shape, Use use, const Initialization& initialization) {
    built_.tensors.push_back({{root_ + name, std::move(shape)}, use, initialization});
  }
  /// A matrix, or a kernel of as many extents, with its bias.
  void AddProduct(const std::string& name, const Shape& shape, Use use,
                  const Initialization& weight, const Initialization& bias = kZeros) {
    Add(name + ".weight", shape, use, weight);
    Add(name + ".bias", {shape[0]}, Use::kAdded, bias);
  }
  void AddLayerNorm(const std::string& name, int64_t size) {
    Add(name + ".weight", {size}, Use::kAdded, kOnes);
    Add(name + ".bias", {size}, Use::kAdded, kZeros);
  }
  void AddMlp(const std::string& name, int64_t size, int64_t inner, Use use) {
    const Initialization weight = XavierUniform(size, inner);
    AddProduct(name + ".fc1", {inner, size}, use, weight, kAlmostZeros);
    AddProduct(name + ".fc2", {size, inner}, use, weight, kAlmostZeros);
  }
  /// "encoder.layers.0" and so on.
  void AddEncoder(const SiglipEncoderConfig& config) {
    const int64_t size = config.hidden_size;
    for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
      const std::string layer = "encoder.layers." + std::to_string(i);
      AddLayerNorm(layer + ".layer_norm1", size);
      for (const char* projection : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
        AddProduct(layer + ".self_attn." + projection, {size, size}, Use::kEveryToken,
                   XavierUniform(size, size));
      }
      built_.attention_width += size;
      AddLayerNorm(layer + ".layer_norm2", size);
      AddMlp(layer + ".mlp", size, config.intermediate_size, Use::kEveryToken);
    }
  }
  /// SiglipMultiheadAttentionPoolingHead.
  void AddPoolingHead(const SiglipEncoderConfig& config) {
    const int64_t size = config.hidden_size;
    Add("head.probe", {1, 1, size}, Use::kAdded, XavierUniform(size, size));
    // transformers has one tensor [3 D, D] of query, key and value.
    const Initialization input = XavierUniform(size, 3 * size);
    AddProduct("head.attention.q_proj", {size, size}, Use::kOncePerInput, input);
    AddProduct("head.attention.k_proj", {size, size}, Use::kEveryToken, input);
    AddProduct("head.attention.v_proj", {size, size}, Use::kEveryToken, input);
    AddProduct("head.attention.out_proj", {size, size}, Use::kOncePerInput, LecunNormal(size));
    built_.pooling_width += size;
    AddLayerNorm("head.layernorm", size);
    AddMlp("head.mlp", size, config.intermediate_size, Use::kOncePerInput);
  }

  Architecture Take() { return std::move(built_); }

 private:
  const std::string root_;
  Architecture built_;
};

Architecture Vision(const SiglipVisionTowerConfig& config, const Shape& patch_embedding,
                    int64_t positions) {
  const int64_t size = config.hidden_size;
  Builder tower("vision_model.");
  tower.AddProduct("embeddings.patch_embedding", patch_embedding, Use::kEveryToken,
                   LecunNormal(config.patch_values()));
  tower.Add("embeddings.position_embedding.weight", {positions, size}, Use::kAdded,
            EmbeddingNormal(size));
  tower.AddEncoder(config);
  tower.AddLayerNorm("post_layernorm", size);
  if (config.vision_use_head.value_or(true)) tower.AddPoolingHead(config);
  return tower.Take();
}

}  // namespace

Architecture VisionArchitecture(const AnyVisionConfig& any) {
  const VisionTowerPlan plan(any);
  const int64_t side = plan.config.patch_size;
  const int64_t size = plan.config.hidden_size;
  return Vision(plan.config,
                plan.resolution == Resolution::kFixed
                    ? Shape{size, plan.config.num_channels, side, side}
                    : Shape{size, plan.config.patch_values()},
                plan.positions_per_side * plan.positions_per_side);
}

Architecture TextArchitecture(const SiglipTextConfig& config) {
  const int64_t size = config.hidden_size;
  Builder tower("text_model.");
  tower.Add("embeddings.token_embedding.weight", {config.vocab_size, size}, Use::kLookedUp,
            EmbeddingNormal(size));
  tower.Add("embeddings.position_embedding.weight", {config.max_position_embeddings, size},
            Use::kAdded, EmbeddingNormal(size));
  tower.AddEncoder(config);
  tower.AddLayerNorm("final_layer_norm", size);
  tower.AddProduct("head", {config.embedding_size(), size}, Use::kOncePerInput, LecunNormal(size));
  return tower.Take();
}

std::vector<TensorSpec> Architecture::specs() const {
  std::vector<TensorSpec> specs;
  for (const ArchitectureTensor& tensor : tensors) specs.push_back(tensor.spec);
  return specs;
}

int64_t Architecture::parameters() const {
  int64_t count = 0;
  for (const ArchitectureTensor& tensor : tensors) count += ElementCount(tensor.spec.shape);
  return count;
}

WeightBytes Architecture::weight_bytes() const {
  constexpr int64_t kScaleAndColumnSum = 4 + 4;
  WeightBytes bytes;
  for (const ArchitectureTensor& tensor : tensors) {
    if (tensor.use == Use::kLookedUp) continue;
    const int64_t count = ElementCount(tensor.spec.shape);
    const bool is_product = tensor.use != Use::kAdded;
    bytes.f32 += 4 * count;
    bytes.bf16 += (is_product ? 2 : 4) * count;
    bytes.int8 += is_product ? count + kScaleAndColumnSum * tensor.spec.shape[0] : 4 * count;
  }
  return bytes;
}

double Architecture::flop(int64_t tokens) const {
  const auto count = static_cast<double>(tokens);
  double multiply_adds = 2 * count * count * static_cast<double>(attention_width) +
                         2 * count * static_cast<double>(pooling_width);
  for (const ArchitectureTensor& tensor : tensors) {
    const auto elements = static_cast<double>(ElementCount(tensor.spec.shape));
    if (tensor.use == Use::kEveryToken) multiply_adds += count * elements;
    if (tensor.use == Use::kOncePerInput) multiply_adds += elements;
  }
  return 2 * multiply_adds;
}

double FlopPerPicture(const SiglipVisionTowerConfig& config, int64_t tokens, bool with_head) {
  SiglipVisionTowerConfig tower = config;
  tower.vision_use_head = with_head;
  return Vision(tower, {config.hidden_size, config.patch_values()}, tokens).flop(tokens);
}

}  // namespace siglip
