// The image tower of SigLIP: every picture is resized to one size.
#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/image_towers.h"
#include "engine/tower_of.h"
#include "model/single_picture.h"
#include "siglip/error.h"

namespace siglip {
namespace {

void CheckSizes(const SiglipVisionConfig& config, const SiglipImageProcessor& processor,
                const std::string& name) {
  const auto size = processor.FixedOutputSize();
  if (!size) return;
  const auto& [height, width] = *size;
  if (height == config.image_size && width == config.image_size) return;
  throw Error(ErrorCode::kMismatch,
              name + ": preprocessing makes pictures of " + std::to_string(height) + "x" +
                  std::to_string(width) + ", the model takes " + std::to_string(config.image_size) +
                  "x" + std::to_string(config.image_size),
              "size or crop_size of preprocessor_config.json, image_size of config.json");
}

class FixedSolo final : public ImageTower::Solo {
 public:
  explicit FixedSolo(const SiglipVisionModel& model) : forward_(model) {}

  void Run(const PreparedPicture& picture, float* last_hidden_state,
           float* pooler_output) override {
    forward_.Run(picture.pixel_values.floats().data(), last_hidden_state, pooler_output);
  }

 private:
  SinglePictureForward forward_;
};

class FixedTower final : public TowerOf<SiglipVisionModel, SiglipImageProcessor> {
 public:
  using TowerOf::TowerOf;

  int64_t most_tokens() const override { return model().config().num_patches(); }
  int64_t native_side() const override { return model().config().image_size; }

  VisionOutput Run(std::span<const PreparedPicture> pictures) const override {
    if (pictures.size() == 1) return model()(pictures[0].pixel_values);
    const int64_t side = native_side();
    Tensor batch(DType::kF32, {std::ssize(pictures), 3, side, side});
    auto out = batch.floats().begin();
    for (const PreparedPicture& picture : pictures) {
      out = std::ranges::copy(picture.pixel_values.floats(), out).out;
    }
    return model()(batch);
  }
  std::unique_ptr<Solo> NewSolo() const override { return std::make_unique<FixedSolo>(model()); }

 private:
  void Prepare(const ImageSize& image, PreparedPicture& picture) const override {
    const auto [height, width] = processor().OutputSize(image.height, image.width);
    const int64_t expected = native_side();
    if (height != expected || width != expected) {
      const std::string side = std::to_string(expected);
      throw Error(ErrorCode::kMismatch,
                  "preprocessed to " + std::to_string(width) + "x" + std::to_string(height) +
                      ", the model takes " + side + "x" + side,
                  "its preprocessing does not make every picture that size");
    }
    if (picture.pixel_values.empty()) {
      picture.pixel_values = Tensor(DType::kF32, {1, 3, expected, expected});
      picture.rows = picture.columns = model().config().patches_per_side();
    }
  }
};

}  // namespace

void CheckFits(const SiglipVisionConfig& config, const SiglipImageProcessor& processor,
               const std::string& name) {
  CheckTakesColour(config, name);
  CheckSizes(config, processor, name);
}

std::unique_ptr<const ImageTower> MakeImageTower(SiglipVisionModel model,
                                                 SiglipImageProcessor processor,
                                                 const std::string& name) {
  CheckFits(model.config(), processor, name);
  return std::make_unique<const FixedTower>(std::move(model), std::move(processor));
}

}  // namespace siglip
