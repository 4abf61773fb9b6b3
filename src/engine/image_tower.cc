#include "engine/image_tower.h"

#include <cmath>
#include <utility>

#include "model/vision_model_state.h"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

void CheckSizes(const VisionTowerPlan& plan, const ImageProcessor& processor,
                const std::string& name) {
  const auto size = processor.FixedOutputSize();
  if (!size) return;
  const auto& [height, width] = *size;
  const int64_t image_size = plan.image_size;
  if (height == image_size && width == image_size) return;
  throw Error(ErrorCode::kMismatch,
              name + ": preprocessing makes pictures of " + std::to_string(height) + "x" +
                  std::to_string(width) + ", the model takes " + std::to_string(image_size) + "x" +
                  std::to_string(image_size),
              "size or crop_size of preprocessor_config.json, image_size of config.json");
}

void CheckPatches(const VisionTowerPlan& plan, const ImageProcessor& processor,
                  const std::string& name) {
  const int64_t made = processor.patch_size();
  const int64_t taken = plan.config.patch_size;
  if (made == taken) return;
  throw Error(ErrorCode::kMismatch,
              name + ": preprocessing makes patches of " + std::to_string(made) +
                  " pixels a side, the model takes " + std::to_string(taken),
              "patch_size of preprocessor_config.json and of config.json");
}

}  // namespace

void CheckFits(const AnyVisionConfig& config, const ImageProcessor& processor,
               const std::string& name) {
  const VisionTowerPlan plan(config);
  if (plan.resolution != processor.resolution()) {
    throw Error(ErrorCode::kMismatch,
                name + ": model and preprocessing are not both of fixed or of variable resolution");
  }
  if (plan.config.num_channels != 3) {
    throw Error(ErrorCode::kMismatch, name + ": the model takes " +
                                          std::to_string(plan.config.num_channels) +
                                          " channels, pictures have 3");
  }
  if (plan.resolution == Resolution::kFixed) {
    CheckSizes(plan, processor, name);
  } else {
    CheckPatches(plan, processor, name);
  }
}

ImageTower::ImageTower(VisionModel model, ImageProcessor processor, const std::string& name)
    : model_(std::move(model)), processor_(std::move(processor)) {
  CheckFits(model_.state().config, processor_, name);
}

ImageTower ImageTower::Load(const std::filesystem::path& folder, const EmbedderOptions& options) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const Resolution resolution = ResolutionOf(checkpoint);
  auto processor = ImageProcessor::FromPretrained(folder, resolution, options.preprocess,
                                                  options.max_num_patches,
                                                  std::string(options.runtime->instruction_set()));
  return {LoadVisionModel(checkpoint, options.runtime, options.precision), std::move(processor),
          folder.string()};
}

int64_t ImageTower::most_tokens() const {
  if (model_.resolution() == Resolution::kNaflex) return processor_.max_num_patches();
  const int64_t side = model_.state().vision_model.plan().positions_per_side;
  return side * side;
}

int64_t ImageTower::native_side() const {
  const VisionTowerPlan& plan = model_.state().vision_model.plan();
  if (plan.resolution == Resolution::kFixed) return plan.image_size;
  const double patches = std::sqrt(static_cast<double>(processor_.max_num_patches()));
  return static_cast<int64_t>(patches) * plan.config.patch_size;
}

void ImageTower::Preprocess(const Image& image, PreparedPicture& picture) const {
  processor_.Prepare(image, picture, model_.state().vision_model.plan().image_size);
  CountPatches(picture);
}

void ImageTower::Preprocess(OpenedPicture& image, PreparedPicture& picture,
                            PictureGreys* greys) const {
  processor_.Prepare(image, picture, model_.state().vision_model.plan().image_size, greys);
  CountPatches(picture);
}

void ImageTower::CountPatches(PreparedPicture& picture) const {
  const VisionTowerPlan& plan = model_.state().vision_model.plan();
  if (plan.resolution == Resolution::kNaflex) return;
  picture.rows = picture.columns = plan.positions_per_side;
}

VisionOutput ImageTower::Run(const PreparedPicture& picture) const {
  if (model_.resolution() == Resolution::kFixed) return model_(picture.pixel_values);
  Tensor shape(DType::kI64, {1, 2});
  shape.values<int64_t>()[0] = picture.rows;
  shape.values<int64_t>()[1] = picture.columns;
  return model_({picture.pixel_values, {}, shape});
}

ReadyPicture Ready(const PreparedPicture& picture, float* last_hidden_state, float* pooler_output) {
  return {.pixel_values = picture.pixel_values.floats().data(),
          .grid = {picture.rows, picture.columns},
          .last_hidden_state = last_hidden_state,
          .pooler_output = pooler_output};
}

}  // namespace siglip
