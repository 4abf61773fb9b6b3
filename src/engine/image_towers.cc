// See image_towers.h.
#include "engine/image_towers.h"

#include <utility>

#include "siglip/error.h"

namespace siglip {
namespace {

Siglip2ImageProcessor LoadSiglip2Processor(const std::filesystem::path& folder,
                                           const EngineOptions& options) {
  const auto stored = Siglip2ImageProcessor::FromPretrained(folder, options.preprocess);
  if (options.max_num_patches == 0) return stored;
  Siglip2ImageProcessorConfig config = stored.config();
  config.max_num_patches = options.max_num_patches;
  return {config, stored.mode()};
}

}  // namespace

// The small part first: an unusable folder is refused before the weights are read.
std::unique_ptr<const ImageTower> LoadImageTower(const std::filesystem::path& folder,
                                                 const EngineOptions& options) {
  if (Siglip2VisionModel::IsFor(folder)) {
    auto processor = LoadSiglip2Processor(folder, options);
    return MakeImageTower(
        Siglip2VisionModel::FromPretrained(folder, options.runtime, options.precision),
        std::move(processor), folder.string());
  }
  if (options.max_num_patches != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": --max-num-patches is for models of " +
                    "variable resolution (NaFlex); the pictures of this one have one size");
  }
  auto processor = SiglipImageProcessor::FromPretrained(folder, options.preprocess);
  return MakeImageTower(
      SiglipVisionModel::FromPretrained(folder, options.runtime, options.precision),
      std::move(processor), folder.string());
}

void CheckTakesColour(const SiglipVisionTowerConfig& config, const std::string& name) {
  if (config.num_channels == 3) return;
  throw Error(ErrorCode::kMismatch, name + ": the model takes " +
                                        std::to_string(config.num_channels) +
                                        " channels, pictures have 3");
}

}  // namespace siglip
