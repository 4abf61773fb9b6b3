#include "commands/bench_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "commands/measure.h"
#include "siglip/error.h"
#include "siglip/hub.h"
#include "siglip/model_info.h"
#include "siglip/siglip2_image_processor.h"
#include "siglip/siglip2_vision_model.h"
#include "siglip/vision_model.h"

namespace siglip::cli {
namespace {

/// Pictures of one size.
class FixedModel final : public BenchModel {
 public:
  FixedModel(SiglipVisionModel model, BenchModelSource source)
      : model_(std::move(model)), source_(std::move(source)) {}

  Precision precision() const override { return model_.precision(); }

  double flop() const override {
    return FlopPerPicture(model_.config(), model_.config().num_patches(),
                          model_.vision_model().head() != nullptr);
  }

  std::function<void()> NewBatch(int64_t pictures) const override {
    const SiglipVisionConfig& config = model_.config();
    return [this, pixels = RandomPixels({pictures, config.num_channels, config.image_size,
                                         config.image_size})] { model_(pixels); };
  }

  Engine TakeEngine(EngineOptions options) override {
    return Engine(std::move(model_), Processor(options.preprocess), options.decode, source_.name());
  }

 private:
  SiglipImageProcessor Processor(std::optional<PreprocessMode> mode) const {
    if (source_.preset.empty()) {
      return SiglipImageProcessor::FromPretrained(ResolveModel(source_.model), mode);
    }
    return {ImageProcessorConfig::FromJson(PresetPreprocessorJson(source_.preset), source_.preset),
            mode.value_or(PreprocessMode::kTorchvision)};
  }

  SiglipVisionModel model_;
  const BenchModelSource source_;
};

/// Square pictures of as many patches as are allowed.
class NaflexModel final : public BenchModel {
 public:
  NaflexModel(Siglip2VisionModel model, BenchModelSource source)
      : model_(std::move(model)), source_(std::move(source)) {
    const auto most = static_cast<double>(ProcessorConfig().max_num_patches);
    side_ = static_cast<int64_t>(std::sqrt(most));
  }

  Precision precision() const override { return model_.precision(); }

  double flop() const override {
    return FlopPerPicture(model_.config(), side_ * side_, model_.vision_model().head() != nullptr);
  }

  std::function<void()> NewBatch(int64_t pictures) const override {
    Tensor shapes(DType::kI64, {pictures, 2});
    std::ranges::fill(shapes.values<int64_t>(), side_);
    const Siglip2Inputs inputs = {
        RandomPixels({pictures, side_ * side_, model_.config().patch_values()}), {}, shapes};
    return [this, inputs] { model_(inputs); };
  }

  Engine TakeEngine(EngineOptions options) override {
    const PreprocessMode mode = options.preprocess.value_or(PreprocessMode::kTorchvision);
    return Engine(std::move(model_), Siglip2ImageProcessor(ProcessorConfig(), mode), options.decode,
                  source_.name());
  }

 private:
  /// A folder that says nothing about preprocessing still has a model to be measured.
  Siglip2ImageProcessorConfig StoredConfig() const {
    if (!source_.preset.empty()) {
      return Siglip2ImageProcessorConfig::FromJson(PresetPreprocessorJson(source_.preset),
                                                   source_.preset);
    }
    const std::filesystem::path folder = ResolveModel(source_.model);
    if (Siglip2ImageProcessor::IsFor(folder)) {
      return Siglip2ImageProcessor::FromPretrained(folder).config();
    }
    Siglip2ImageProcessorConfig config;
    config.patch_size = model_.config().patch_size;
    config.max_num_patches = model_.config().num_patches;
    return config;
  }

  Siglip2ImageProcessorConfig ProcessorConfig() const {
    Siglip2ImageProcessorConfig config = StoredConfig();
    if (source_.max_num_patches != 0) config.max_num_patches = source_.max_num_patches;
    return config;
  }

  Siglip2VisionModel model_;
  const BenchModelSource source_;
  int64_t side_ = 0;  // of a picture, in patches
};

bool IsNaflex(const BenchModelSource& source) {
  if (source.preset.empty()) return Siglip2VisionModel::IsFor(ResolveModel(source.model));
  const std::vector<std::string> presets = Siglip2PresetNames();
  return std::ranges::count(presets, source.preset) > 0;
}

}  // namespace

std::unique_ptr<BenchModel> LoadBenchModel(const BenchModelSource& source,
                                           const std::shared_ptr<const Runtime>& runtime) {
  const bool from_preset = !source.preset.empty();
  if (IsNaflex(source)) {
    return std::make_unique<NaflexModel>(
        from_preset ? Siglip2VisionModel(Siglip2PresetConfig(source.preset), /*seed=*/0, runtime,
                                         source.precision)
                    : Siglip2VisionModel::FromPretrained(ResolveModel(source.model), runtime,
                                                         source.precision),
        source);
  }
  if (source.max_num_patches != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                source.name() + ": --max-num-patches is for models of variable resolution");
  }
  return std::make_unique<FixedModel>(
      from_preset
          ? SiglipVisionModel(PresetConfig(source.preset), /*seed=*/0, runtime, source.precision)
          : SiglipVisionModel::FromPretrained(ResolveModel(source.model), runtime,
                                              source.precision),
      source);
}

}  // namespace siglip::cli
