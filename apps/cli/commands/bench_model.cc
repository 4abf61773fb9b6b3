#include "commands/bench_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <utility>
#include <vector>

#include "commands/measure.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/image.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip::cli {
namespace {

VisionModel LoadVision(const BenchModelSource& source,
                       const std::shared_ptr<const Runtime>& runtime) {
  if (source.preset.empty()) {
    return VisionModel::Open(ResolveModel(source.model), runtime, source.precision);
  }
  const std::vector<std::string> naflex = Siglip2PresetNames();
  if (std::ranges::count(naflex, source.preset) > 0) {
    return Siglip2VisionModel(Siglip2PresetConfig(source.preset), /*seed=*/0, runtime,
                              source.precision);
  }
  return SiglipVisionModel(PresetConfig(source.preset), /*seed=*/0, runtime, source.precision);
}

/// A folder that says nothing about preprocessing still has a model to be measured.
Siglip2ImageProcessorConfig NaflexConfig(const BenchModelSource& source, const VisionModel& model) {
  if (!source.preset.empty()) {
    return Siglip2ImageProcessorConfig::FromJson(PresetPreprocessorJson(source.preset),
                                                 source.preset);
  }
  const std::filesystem::path folder = ResolveModel(source.model);
  if (Siglip2ImageProcessor::IsFor(folder)) {
    return Siglip2ImageProcessor::FromPretrained(folder).config();
  }
  Siglip2ImageProcessorConfig config;
  config.patch_size = model.config().patch_size;
  return config;
}

Tensor RandomTokens(const SiglipTextConfig& config, int64_t texts) {
  Tensor input_ids(DType::kI64, {texts, config.max_position_embeddings});
  std::mt19937 generator(1);
  for (int64_t& id : input_ids.values<int64_t>()) id = generator() % config.vocab_size;
  return input_ids;
}

double WeightBytesEach(int64_t weight_bytes, int64_t passes, int64_t count) {
  return static_cast<double>(weight_bytes) * static_cast<double>(passes) /
         static_cast<double>(count);
}

BenchModel LoadPictures(const BenchModelSource& source,
                        const std::shared_ptr<const Runtime>& runtime) {
  const VisionModel model = LoadVision(source, runtime);
  int64_t side = model.image_size() / model.config().patch_size;
  if (model.resolution() == Resolution::kNaflex) {
    const int64_t most = LoadBenchProcessor(source, model).max_num_patches();
    side = static_cast<int64_t>(std::sqrt(static_cast<double>(most)));
  } else if (source.max_num_patches != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                source.name() + ": --max-num-patches is for models of variable resolution");
  }
  const auto new_batch = [model, side](int64_t count) -> std::function<void()> {
    return [model, pictures = RandomPictures(model, count, side)] { model(pictures); };
  };
  const auto weight_bytes_each = [model, side](int64_t count) {
    return WeightBytesEach(model.weight_bytes(), model.passes(count, side * side), count);
  };
  return {model.precision(), FlopPerPicture(model.config(), side * side, model.has_head()),
          new_batch, weight_bytes_each, model};
}

BenchModel LoadTexts(const BenchModelSource& source,
                     const std::shared_ptr<const Runtime>& runtime) {
  if (!source.preset.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                source.preset + ": presets are image towers, without texts", "give a --model");
  }
  const std::string folder = ResolveModel(source.model);
  const auto model = SiglipTextModel::FromPretrained(folder, runtime, source.precision);
  const auto new_batch = [model](int64_t count) -> std::function<void()> {
    return [model, input_ids = RandomTokens(model.config(), count)] {
      TextForwardOptions options;
      options.output_last_hidden_state = false;
      model(input_ids, options);
    };
  };
  const auto weight_bytes_each = [model](int64_t count) {
    return WeightBytesEach(model.weight_bytes(), model.passes(count), count);
  };
  return {model.precision(),
          InspectModel(folder).text->gflop_per_text * 1e9,
          new_batch,
          weight_bytes_each,
          {}};
}

}  // namespace

VisionInputs RandomPictures(const VisionModel& model, int64_t pictures, int64_t patches_per_side) {
  const SiglipVisionTowerConfig& config = model.config();
  if (model.resolution() == Resolution::kFixed) {
    const int64_t side = model.image_size();
    return RandomPixels({pictures, config.num_channels, side, side});
  }
  Tensor shapes(DType::kI64, {pictures, 2});
  std::ranges::fill(shapes.values<int64_t>(), patches_per_side);
  const int64_t tokens = patches_per_side * patches_per_side;
  return {RandomPixels({pictures, tokens, config.patch_values()}), {}, shapes};
}

BenchModel LoadBenchModel(const BenchModelSource& source,
                          const std::shared_ptr<const Runtime>& runtime) {
  return source.texts ? LoadTexts(source, runtime) : LoadPictures(source, runtime);
}

ImageProcessor LoadBenchProcessor(const BenchModelSource& source, const VisionModel& model) {
  if (model.resolution() == Resolution::kNaflex) {
    Siglip2ImageProcessorConfig config = NaflexConfig(source, model);
    if (source.max_num_patches != 0) config.max_num_patches = source.max_num_patches;
    return Siglip2ImageProcessor(config, PreprocessMode::kTorchvision);
  }
  if (source.preset.empty())
    return SiglipImageProcessor::FromPretrained(ResolveModel(source.model));
  return SiglipImageProcessor(
      ImageProcessorConfig::FromJson(PresetPreprocessorJson(source.preset), source.preset),
      PreprocessMode::kTorchvision);
}

}  // namespace siglip::cli
