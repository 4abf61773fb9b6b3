// SiglipForImageClassification.
#include "siglip/image_classification.h"

#include <utility>

#include "model/class_labels.h"
#include "model/linear.h"
#include "model/packed_linear.h"
#include "model/siglip_config.h"
#include "model/stored_shape.h"
#include "model/workspace.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

/// The mean of all rows, summed in double and in order.
void Mean(const Matrix& rows, const Matrix& mean) {
  std::vector<double> sums(static_cast<size_t>(rows.columns));
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += rows.row(row)[i];
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    mean.data[i] = static_cast<float>(sums[i] / static_cast<double>(rows.rows));
  }
}

}  // namespace

SiglipForImageClassification SiglipForImageClassification::FromPretrained(
    const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime,
    std::optional<Precision> precision) {
  if (!runtime) runtime = Runtime::Create();
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const LayerContext context = {LoadVisionConfig(checkpoint), runtime,
                                ResolvePrecision(checkpoint, precision, kernels)};
  const int64_t classes = StoredExtent(checkpoint, "classifier.weight", 0);
  const int64_t hidden = context.config.hidden_size;
  const auto weights = OpenWeights(
      checkpoint, {{"classifier.weight", {classes, hidden}}, {"classifier.bias", {classes}}});
  std::vector<std::string> labels =
      ClassLabels(checkpoint.config(), classes, checkpoint.config_name());
  auto classifier =
      std::make_unique<const Linear>(LayerSource{*weights, "classifier", context}, classes, hidden);
  return {SiglipVisionModel::FromPretrained(folder, runtime, precision), std::move(classifier),
          std::move(labels)};
}

SiglipForImageClassification::SiglipForImageClassification(SiglipVisionModel vision_model,
                                                           std::unique_ptr<const Linear> classifier,
                                                           std::vector<std::string> labels)
    : vision_model_(std::move(vision_model)),
      classifier_(std::move(classifier)),
      labels_(std::move(labels)) {}

SiglipForImageClassification::SiglipForImageClassification(
    SiglipForImageClassification&&) noexcept = default;
SiglipForImageClassification& SiglipForImageClassification::operator=(
    SiglipForImageClassification&&) noexcept = default;
SiglipForImageClassification::~SiglipForImageClassification() = default;

ImageClassificationOutput SiglipForImageClassification::operator()(
    const Tensor& pixel_values, const VisionForwardOptions& options) const {
  ImageClassificationOutput output;
  // outputs = self.vision_model(pixel_values)
  output.vision_model_output = vision_model_(pixel_values, options);
  const Tensor& tokens = output.vision_model_output.last_hidden_state;
  output.logits = Tensor(DType::kF32, {tokens.dim(0), classifier_->outputs()});
  const MatrixBuffer mean(1, classifier_->inputs());
  const MatrixBuffer logits(1, classifier_->outputs());
  FloatBuffer scratch(classifier_->ScratchFloats(1));
  for (int64_t picture = 0; picture < tokens.dim(0); ++picture) {
    // sequence_output = torch.mean(outputs.last_hidden_state, dim=1)               [B, D]
    auto* from = const_cast<float*>(tokens.floats().data());
    Mean(DenseRows(from, picture, tokens.dim(1), tokens.dim(2)), mean.matrix());
    // logits = self.classifier(sequence_output)                                    [B, labels]
    classifier_->Forward(mean.matrix(), logits.matrix(), scratch.data());
    CopyRows(logits.matrix(),
             DenseRows(output.logits.floats().data(), picture, 1, classifier_->outputs()));
  }
  return output;
}

}  // namespace siglip
