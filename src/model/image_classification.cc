// SiglipForImageClassification and Siglip2ForImageClassification.
#include "siglip/image_classification.h"

#include <utility>

#include "configuration/siglip_config.h"
#include "kernels/compute_runtime.h"
#include "model/packed_linear.h"
#include "model/patch_grid.h"
#include "model/token_classifier.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

template <class Config>
std::unique_ptr<const TokenClassifier> LoadClassifier(const Checkpoint& checkpoint,
                                                      const Config& config,
                                                      const std::shared_ptr<const Runtime>& runtime,
                                                      PrecisionChoice precision) {
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const LayerContext context = {config, runtime, ResolvePrecision(checkpoint, precision, kernels)};
  return std::make_unique<const TokenClassifier>(checkpoint, context);
}

}  // namespace

SiglipForImageClassification SiglipForImageClassification::FromPretrained(
    const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime,
    PrecisionChoice precision) {
  if (!runtime) runtime = Runtime::Create();
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  auto classifier = LoadClassifier(checkpoint, LoadVisionConfig(checkpoint), runtime, precision);
  return {SiglipVisionModel::FromPretrained(folder, runtime, precision), std::move(classifier)};
}

SiglipForImageClassification::SiglipForImageClassification(
    SiglipVisionModel vision_model, std::unique_ptr<const TokenClassifier> classifier)
    : vision_model_(std::move(vision_model)), classifier_(std::move(classifier)) {}

SiglipForImageClassification::SiglipForImageClassification(
    SiglipForImageClassification&&) noexcept = default;
SiglipForImageClassification& SiglipForImageClassification::operator=(
    SiglipForImageClassification&&) noexcept = default;
SiglipForImageClassification::~SiglipForImageClassification() = default;

const std::vector<std::string>& SiglipForImageClassification::labels() const {
  return classifier_->labels();
}

ImageClassificationOutput SiglipForImageClassification::operator()(
    const Tensor& pixel_values, const VisionForwardOptions& options) const {
  ImageClassificationOutput output;
  output.vision_model_output = vision_model_(pixel_values, options);
  const Tensor& tokens = output.vision_model_output.last_hidden_state;
  const std::vector<int64_t> counts(static_cast<size_t>(tokens.dim(0)), tokens.dim(1));
  output.logits = (*classifier_)(tokens, counts);
  return output;
}

Siglip2ForImageClassification Siglip2ForImageClassification::FromPretrained(
    const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime,
    PrecisionChoice precision) {
  if (!runtime) runtime = Runtime::Create();
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  auto classifier =
      LoadClassifier(checkpoint, LoadSiglip2VisionConfig(checkpoint), runtime, precision);
  return {Siglip2VisionModel::FromPretrained(folder, runtime, precision), std::move(classifier)};
}

Siglip2ForImageClassification::Siglip2ForImageClassification(
    Siglip2VisionModel vision_model, std::unique_ptr<const TokenClassifier> classifier)
    : vision_model_(std::move(vision_model)), classifier_(std::move(classifier)) {}

Siglip2ForImageClassification::Siglip2ForImageClassification(
    Siglip2ForImageClassification&&) noexcept = default;
Siglip2ForImageClassification& Siglip2ForImageClassification::operator=(
    Siglip2ForImageClassification&&) noexcept = default;
Siglip2ForImageClassification::~Siglip2ForImageClassification() = default;

const std::vector<std::string>& Siglip2ForImageClassification::labels() const {
  return classifier_->labels();
}

ImageClassificationOutput Siglip2ForImageClassification::operator()(
    const Siglip2Inputs& inputs, const Siglip2ForwardOptions& options) const {
  ImageClassificationOutput output;
  output.vision_model_output = vision_model_(inputs, options);
  std::vector<int64_t> counts;
  for (const PatchGrid& grid : CheckSiglip2Inputs(vision_model_.config(), inputs)) {
    counts.push_back(grid.tokens());
  }
  output.logits = (*classifier_)(output.vision_model_output.last_hidden_state, counts);
  return output;
}

}  // namespace siglip
