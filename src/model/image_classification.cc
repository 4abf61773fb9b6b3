// ImageClassificationModel and transformers' classes of it.
#include "siglip/transformers/image_classification.hpp"

#include <utility>

#include "configuration/siglip_config.h"
#include "kernels/compute_runtime.h"
#include "model/packed_linear.h"
#include "model/picture_inputs.h"
#include "model/token_classifier.h"
#include "model/vision_model_state.h"
#include "weights/checkpoint.h"

namespace siglip {

struct ImageClassificationModel::State {
  VisionModel vision_model;
  TokenClassifier classifier;
};

namespace {

template <class Model>
Model LoadClassifier(const Checkpoint& checkpoint, std::shared_ptr<const Runtime> runtime,
                     PrecisionChoice precision) {
  if (!runtime) runtime = Runtime::Create();
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const VisionTowerPlan plan(LoadAnyVisionConfig(checkpoint));
  const LayerContext context = {plan.config, runtime,
                                ResolvePrecision(checkpoint, precision, kernels)};
  TokenClassifier classifier(checkpoint, context);  // the small part first
  using State = ImageClassificationModel::State;
  return Model(std::make_shared<const State>(
      State{LoadVisionModel(checkpoint, runtime, precision), std::move(classifier)}));
}

}  // namespace

ImageClassificationModel ImageClassificationModel::Open(const std::filesystem::path& folder,
                                                        std::shared_ptr<const Runtime> runtime,
                                                        PrecisionChoice precision) {
  return LoadClassifier<ImageClassificationModel>(Checkpoint::Open(folder), std::move(runtime),
                                                  precision);
}

SiglipForImageClassification SiglipForImageClassification::FromPretrained(
    const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime,
    PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  LoadVisionConfig(checkpoint);  // refuses NaFlex
  return LoadClassifier<SiglipForImageClassification>(checkpoint, std::move(runtime), precision);
}

Siglip2ForImageClassification Siglip2ForImageClassification::FromPretrained(
    const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime,
    PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  LoadSiglip2VisionConfig(checkpoint);  // refuses fixed resolution
  return LoadClassifier<Siglip2ForImageClassification>(checkpoint, std::move(runtime), precision);
}

ImageClassificationModel::ImageClassificationModel(std::shared_ptr<const State> state)
    : state_(std::move(state)) {}

const std::vector<std::string>& ImageClassificationModel::labels() const {
  return state_->classifier.labels();
}

const VisionModel& ImageClassificationModel::vision_model() const { return state_->vision_model; }

ImageClassificationOutput ImageClassificationModel::operator()(
    const VisionInputsView& pictures, const VisionForwardOptions& options) const {
  ImageClassificationOutput output;
  output.vision_model_output = vision_model()(pictures, options);
  std::vector<int64_t> tokens;
  const PictureBatch batch = CheckInputs(vision_model().state().vision_model.plan(), pictures,
                                         options.interpolate_pos_encoding);
  for (const PicturePixels& picture : batch.pictures) tokens.push_back(picture.grid.tokens());
  output.logits = state_->classifier(output.vision_model_output.last_hidden_state, tokens);
  return output;
}

}  // namespace siglip
