// MultiModalProjector: PaliGemma's and Gemma 3's.
#include "siglip/transformers/projector.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "configuration/projector_plan.h"
#include "configuration/siglip_config.h"
#include "kernels/compute_runtime.h"
#include "model/forward_layer.h"
#include "model/linear.h"
#include "model/matrix_rows.h"
#include "model/packed_linear.h"
#include "model/workspace.h"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

/// What both projectors are: something done to the tokens of each picture, then a Linear.
class TokenProjector : public MultiModalProjector {
 public:
  TokenProjector(ProjectorPlan plan, SiglipVisionConfig config,
                 std::shared_ptr<const Runtime> runtime, Linear linear)
      : plan_(std::move(plan)),
        config_(std::move(config)),
        runtime_(std::move(runtime)),
        linear_(std::move(linear)) {}

  Tensor operator()(const TensorView& last_hidden_state) const override {
    CheckHiddenStates(config_, last_hidden_state);
    if (last_hidden_state.dim(1) != config_.num_patches()) {
      throw Error(ErrorCode::kMismatch,
                  "projector: expected " + std::to_string(config_.num_patches()) +
                      " tokens a picture, found " + ToString(last_hidden_state.shape()));
    }
    const int64_t pictures = last_hidden_state.dim(0);
    Tensor projected(DType::kF32, {pictures, plan_.image_tokens, linear_.outputs()});
    const float* from = last_hidden_state.floats().data();
    ComputeRuntime::From(*runtime_).pool().ForEach(pictures, [&](int64_t picture) {
      const MatrixBuffer tokens(plan_.image_tokens, linear_.inputs());
      Prepare(DenseRows(from, picture, config_.num_patches(), config_.hidden_size),
              tokens.matrix());
      const MatrixBuffer out(plan_.image_tokens, linear_.outputs());
      FloatBuffer scratch(linear_.ScratchFloats(plan_.image_tokens));
      linear_.Forward(tokens.matrix(), out.matrix(), scratch.data());
      CopyRows(out.matrix(), DenseRows(projected.floats().data(), picture, plan_.image_tokens,
                                       linear_.outputs()));
    });
    return projected;
  }

 protected:
  const ProjectorPlan& plan() const { return plan_; }
  const SiglipVisionConfig& config() const { return config_; }

 private:
  /// The patches of a picture [N, D] -> what is projected [image_tokens, D].
  virtual void Prepare(const ConstMatrix& patches, const Matrix& tokens) const = 0;

  const ProjectorPlan plan_;
  const SiglipVisionConfig config_;
  const std::shared_ptr<const Runtime> runtime_;
  const Linear linear_;
};

class PaliGemmaProjector final : public TokenProjector {
 public:
  using TokenProjector::TokenProjector;

 private:
  // hidden_states = self.linear(image_features)
  void Prepare(const ConstMatrix& patches, const Matrix& tokens) const override {
    CopyRows(patches, tokens);
  }
};

class Gemma3Projector final : public TokenProjector {
 public:
  Gemma3Projector(ProjectorPlan plan, SiglipVisionConfig config,
                  std::shared_ptr<const Runtime> runtime, Linear linear, std::vector<float> norm)
      : TokenProjector(std::move(plan), std::move(config), std::move(runtime), std::move(linear)),
        norm_(std::move(norm)) {}

 private:
  void Prepare(const ConstMatrix& patches, const Matrix& tokens) const override {
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
  std::vector<double> Pool(const ConstMatrix& patches, int64_t token) const {
    const int64_t kernel = plan().kernel;
    const int64_t side = config().patches_per_side();
    const int64_t top = token / (side / kernel) * kernel;
    const int64_t left = token % (side / kernel) * kernel;
    std::vector<double> mean(static_cast<size_t>(patches.columns));
    for (int64_t y = top; y < top + kernel; ++y) {
      for (int64_t x = left; x < left + kernel; ++x) {
        const float* patch = patches.row(y * side + x);
        for (size_t i = 0; i < mean.size(); ++i) mean[i] += patch[i];
      }
    }
    for (double& value : mean) value /= static_cast<double>(kernel * kernel);
    return mean;
  }

  const std::vector<float> norm_;  // [D]
};

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
    PrecisionChoice precision) {
  if (!runtime) runtime = Runtime::Create();
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const OperandType type = WeightTypeOf(ResolvePrecision(checkpoint, precision, kernels));
  const SiglipVisionConfig config = LoadVisionConfig(checkpoint);
  const ProjectorPlan plan = PlanProjector(checkpoint, config);
  const auto weights = OpenWeights(checkpoint, plan.tensors);
  std::vector<float> weight = weights->Read(plan.tensors[0]);
  std::vector<float> second = weights->Read(plan.tensors[1]);
  if (!plan.is_gemma3) {
    return std::make_unique<const PaliGemmaProjector>(
        plan, config, runtime,
        Linear(kernels, type, {std::move(weight), std::move(second)}, plan.width,
               config.hidden_size));
  }
  weight =
      Transposed(weight, static_cast<size_t>(config.hidden_size), static_cast<size_t>(plan.width));
  std::vector<float> no_bias(static_cast<size_t>(plan.width));
  return std::make_unique<const Gemma3Projector>(
      plan, config, runtime,
      Linear(kernels, type, {std::move(weight), std::move(no_bias)}, plan.width,
             config.hidden_size),
      std::move(second));
}

}  // namespace siglip
