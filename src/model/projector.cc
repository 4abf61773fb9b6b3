// MultiModalProjector: PaliGemma's and Gemma 3's.
#include "siglip/projector.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "model/linear.h"
#include "model/packed_linear.h"
#include "model/siglip_config.h"
#include "model/stored_shape.h"
#include "model/workspace.h"
#include "siglip/error.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

constexpr char kPaliGemmaWeight[] = "multi_modal_projector.linear.weight";
constexpr char kPaliGemmaBias[] = "multi_modal_projector.linear.bias";
constexpr char kGemma3Weight[] = "multi_modal_projector.mm_input_projection_weight";
constexpr char kGemma3Norm[] = "multi_modal_projector.mm_soft_emb_norm.weight";

/// What both projectors are: something done to the tokens of each picture, then a Linear.
class TokenProjector : public MultiModalProjector {
 public:
  TokenProjector(SiglipVisionConfig config, std::shared_ptr<const Runtime> runtime, Linear linear)
      : config_(std::move(config)), runtime_(std::move(runtime)), linear_(std::move(linear)) {}

  Tensor operator()(const Tensor& last_hidden_state) const override {
    CheckHiddenStates(config_, last_hidden_state);
    if (last_hidden_state.dim(1) != config_.num_patches()) {
      throw Error(ErrorCode::kMismatch,
                  "projector: expected " + std::to_string(config_.num_patches()) +
                      " tokens a picture, found " + ToString(last_hidden_state.shape()));
    }
    const int64_t pictures = last_hidden_state.dim(0);
    Tensor projected(DType::kF32, {pictures, image_tokens(), linear_.outputs()});
    auto* from = const_cast<float*>(last_hidden_state.floats().data());
    ComputeRuntime::From(*runtime_).pool().ForEach(pictures, [&](int64_t picture) {
      const MatrixBuffer tokens(image_tokens(), linear_.inputs());
      Prepare(DenseRows(from, picture, config_.num_patches(), config_.hidden_size),
              tokens.matrix());
      const MatrixBuffer out(image_tokens(), linear_.outputs());
      FloatBuffer scratch(linear_.ScratchFloats(image_tokens()));
      linear_.Forward(tokens.matrix(), out.matrix(), scratch.data());
      CopyRows(out.matrix(),
               DenseRows(projected.floats().data(), picture, image_tokens(), linear_.outputs()));
    });
    return projected;
  }

 protected:
  const SiglipVisionConfig& config() const { return config_; }

 private:
  virtual int64_t image_tokens() const = 0;
  /// The patches of a picture [N, D] -> what is projected [image_tokens, D].
  virtual void Prepare(const Matrix& patches, const Matrix& tokens) const = 0;

  const SiglipVisionConfig config_;
  const std::shared_ptr<const Runtime> runtime_;
  const Linear linear_;
};

class PaliGemmaProjector final : public TokenProjector {
 public:
  using TokenProjector::TokenProjector;

 private:
  int64_t image_tokens() const override { return config().num_patches(); }
  // hidden_states = self.linear(image_features)
  void Prepare(const Matrix& patches, const Matrix& tokens) const override {
    CopyRows(patches, tokens);
  }
};

class Gemma3Projector final : public TokenProjector {
 public:
  /// `kernel`: patches a side of the squares that become one token.
  Gemma3Projector(SiglipVisionConfig config, std::shared_ptr<const Runtime> runtime, Linear linear,
                  std::vector<float> norm, int64_t kernel)
      : TokenProjector(std::move(config), std::move(runtime), std::move(linear)),
        norm_(std::move(norm)),
        kernel_(kernel) {}

 private:
  int64_t tokens_per_side() const { return config().patches_per_side() / kernel_; }
  int64_t image_tokens() const override { return tokens_per_side() * tokens_per_side(); }

  void Prepare(const Matrix& patches, const Matrix& tokens) const override {
    for (int64_t token = 0; token < tokens.rows; ++token) {
      const std::vector<double> pooled = Pool(patches, token);
      // normed = x * rsqrt(mean(x ** 2) + eps) * (1 + weight)
      double squares = 0;
      for (const double x : pooled) squares += x * x;
      const double mean = squares / static_cast<double>(pooled.size());
      const double factor = 1 / std::sqrt(mean + config().layer_norm_eps);
      for (size_t i = 0; i < pooled.size(); ++i) {
        tokens.row(token)[i] = static_cast<float>(pooled[i] * factor * (1.0 + norm_[i]));
      }
    }
  }

  /// pooled_vision_outputs = self.avg_pool(reshaped_vision_outputs)
  std::vector<double> Pool(const Matrix& patches, int64_t token) const {
    const int64_t top = token / tokens_per_side() * kernel_;
    const int64_t left = token % tokens_per_side() * kernel_;
    std::vector<double> mean(static_cast<size_t>(patches.columns));
    for (int64_t y = top; y < top + kernel_; ++y) {
      for (int64_t x = left; x < left + kernel_; ++x) {
        const float* patch = patches.row(y * config().patches_per_side() + x);
        for (size_t i = 0; i < mean.size(); ++i) mean[i] += patch[i];
      }
    }
    for (double& value : mean) value /= static_cast<double>(kernel_ * kernel_);
    return mean;
  }

  const std::vector<float> norm_;  // [D]
  const int64_t kernel_;
};

/// How many patches a side Gemma 3 averages, from `mm_tokens_per_image` of config.json.
int64_t PoolingKernel(const Checkpoint& checkpoint, const SiglipVisionConfig& config) {
  constexpr int64_t kDefaultTokens = 256;
  constexpr const char* kKey = "mm_tokens_per_image";
  const Json& json = checkpoint.config();
  const auto found = json.find(kKey);
  const int64_t tokens = found == json.end() || found->is_null()
                             ? kDefaultTokens
                             : JsonInteger(*found, kKey, checkpoint.config_name());
  if (tokens < 1 || tokens > config.num_patches()) {
    throw Error(ErrorCode::kInvalidArgument,
                checkpoint.config_name() + ": field '" + kKey + "': expected a number from 1 to " +
                    std::to_string(config.num_patches()) + " (patches of a picture), found " +
                    std::to_string(tokens));
  }
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(tokens)));
  return config.patches_per_side() / side;
}

/// [inputs, outputs] -> [outputs, inputs]
std::vector<float> Transposed(const std::vector<float>& matrix, size_t inputs, size_t outputs) {
  std::vector<float> transposed(matrix.size());
  for (size_t i = 0; i < inputs; ++i) {
    for (size_t j = 0; j < outputs; ++j) transposed[j * inputs + i] = matrix[i * outputs + j];
  }
  return transposed;
}

}  // namespace

std::unique_ptr<const MultiModalProjector> MultiModalProjector::FromPretrained(
    const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime,
    std::optional<Precision> precision) {
  if (!runtime) runtime = Runtime::Create();
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const OperandType type = WeightTypeOf(ResolvePrecision(checkpoint, precision, kernels));
  const SiglipVisionConfig config = LoadVisionConfig(checkpoint);
  const int64_t hidden = config.hidden_size;
  if (HasTensor(checkpoint, kGemma3Weight)) {
    const int64_t outputs = StoredExtent(checkpoint, kGemma3Weight, 1);
    const TensorSpec weight = {kGemma3Weight, {hidden, outputs}};
    const TensorSpec norm = {kGemma3Norm, {hidden}};
    const auto weights = OpenWeights(checkpoint, {weight, norm});
    Linear linear(kernels, type,
                  {Transposed(weights->Read(weight), static_cast<size_t>(hidden),
                              static_cast<size_t>(outputs)),
                   std::vector<float>(static_cast<size_t>(outputs))},
                  outputs, hidden);
    return std::make_unique<const Gemma3Projector>(
        config, runtime, std::move(linear), weights->Read(norm), PoolingKernel(checkpoint, config));
  }
  const int64_t outputs = StoredExtent(checkpoint, kPaliGemmaWeight, 0);
  const TensorSpec weight = {kPaliGemmaWeight, {outputs, hidden}};
  const TensorSpec bias = {kPaliGemmaBias, {outputs}};
  const auto weights = OpenWeights(checkpoint, {weight, bias});
  return std::make_unique<const PaliGemmaProjector>(
      config, runtime,
      Linear(kernels, type, {weights->Read(weight), weights->Read(bias)}, outputs, hidden));
}

}  // namespace siglip
