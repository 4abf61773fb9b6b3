// The image tower of SigLIP 2 NaFlex: pictures keep their aspect ratio and have as many tokens as
// their size asks for.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "engine/image_towers.h"
#include "engine/tower_of.h"
#include "model/siglip2_picture.h"
#include "siglip/error.h"

namespace siglip {
namespace {

class NaflexSolo final : public ImageTower::Solo {
 public:
  explicit NaflexSolo(const Siglip2VisionModel& model) : forward_(model) {}

  void Run(const PreparedPicture& picture, float* last_hidden_state,
           float* pooler_output) override {
    forward_.Run(picture.pixel_values.floats().data(), {picture.rows, picture.columns},
                 last_hidden_state, pooler_output);
  }

 private:
  Siglip2PictureForward forward_;
};

class NaflexTower final : public TowerOf<Siglip2VisionModel, Siglip2ImageProcessor> {
 public:
  using TowerOf::TowerOf;

  int64_t most_tokens() const override { return processor().config().max_num_patches; }
  int64_t native_side() const override {
    const auto patches = static_cast<int64_t>(std::sqrt(static_cast<double>(most_tokens())));
    return patches * model().config().patch_size;
  }

  VisionOutput Run(std::span<const PreparedPicture> pictures) const override {
    std::vector<int64_t> sides;
    int64_t most = 1;
    for (const PreparedPicture& picture : pictures) {
      sides.push_back(picture.rows);
      sides.push_back(picture.columns);
      most = std::max(most, picture.tokens());
    }
    const int64_t batch = std::ssize(pictures);
    Tensor shapes(DType::kI64, {batch, 2});
    std::ranges::copy(sides, shapes.values<int64_t>().begin());
    if (batch == 1) return model()({pictures[0].pixel_values, {}, shapes});
    Tensor pixels(DType::kF32, {batch, most, processor().patch_values()});
    for (int64_t i = 0; i < batch; ++i) {
      std::ranges::copy(pictures[static_cast<size_t>(i)].pixel_values.floats(),
                        pixels.floats().begin() + i * most * processor().patch_values());
    }
    return model()({pixels, {}, shapes});
  }
  std::unique_ptr<Solo> NewSolo() const override { return std::make_unique<NaflexSolo>(model()); }

 private:
  void Prepare(const ImageSize& image, PreparedPicture& picture) const override {
    const auto [rows, columns] = processor().SpatialShape(image.height, image.width);
    if (picture.pixel_values.empty() || picture.tokens() != rows * columns) {
      picture.pixel_values = Tensor(DType::kF32, {1, rows * columns, processor().patch_values()});
    }
    picture.rows = rows;
    picture.columns = columns;
  }
};

}  // namespace

void CheckFits(const Siglip2VisionConfig& config, const Siglip2ImageProcessor& processor,
               const std::string& name) {
  CheckTakesColour(config, name);
  const int64_t made = processor.config().patch_size;
  const int64_t taken = config.patch_size;
  if (made != taken) {
    throw Error(ErrorCode::kMismatch,
                name + ": preprocessing makes patches of " + std::to_string(made) +
                    " pixels a side, the model takes " + std::to_string(taken),
                "patch_size of preprocessor_config.json and of config.json");
  }
}

std::unique_ptr<const ImageTower> MakeImageTower(Siglip2VisionModel model,
                                                 Siglip2ImageProcessor processor,
                                                 const std::string& name) {
  CheckFits(model.config(), processor, name);
  return std::make_unique<const NaflexTower>(std::move(model), std::move(processor));
}

}  // namespace siglip
