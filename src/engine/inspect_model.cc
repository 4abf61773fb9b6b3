// InspectModel. See siglip/checkpoint.hpp.
#include "model/inspect_model.h"

#include <algorithm>
#include <string>

#include "configuration/siglip_config.h"
#include "configuration/vision_tower_plan.h"
#include "engine/image_tower.h"
#include "engine/text_part.h"
#include "model/towers_fit.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

void CheckPreprocessingFits(const Checkpoint& checkpoint) {
  CheckFits(LoadAnyVisionConfig(checkpoint),
            ImageProcessor::FromPretrained(checkpoint.path(), ResolutionOf(checkpoint)),
            checkpoint.path().string());
}

void CheckTextsFit(const Checkpoint& checkpoint) {
  CheckTokenizerFits(*Tokenizer::FromPretrained(checkpoint.path()), LoadTextConfig(checkpoint),
                     checkpoint.path().string());
}

void CheckEmbeddingsFit(const Checkpoint& checkpoint) {
  CheckTowersFit(VisionTowerPlan(LoadAnyVisionConfig(checkpoint)).config,
                 LoadTextConfig(checkpoint), checkpoint.path().string());
}

}  // namespace

ModelInfo InspectModel(const std::filesystem::path& folder) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  ModelInfo info = InspectModel(checkpoint);
  const auto attempt = [&](bool has_parts, const auto& check, const auto& counts) {
    try {
      if (has_parts) check(checkpoint);
    } catch (const Error& error) {
      const bool is_known = std::ranges::find(info.unusable, error.what()) != info.unusable.end();
      if (counts(error.code()) && !is_known) info.unusable.emplace_back(error.what());
    }
  };
  const bool pictures = info.parts.image_tower;
  const bool texts = info.parts.text_tower;
  const auto is_misfit = [](ErrorCode code) { return code == ErrorCode::kMismatch; };
  attempt(pictures, CheckPreprocessingFits, is_misfit);
  attempt(texts, CheckTextsFit, [](ErrorCode code) { return code != ErrorCode::kNotFound; });
  attempt(pictures && texts, CheckEmbeddingsFit, is_misfit);
  return info;
}

}  // namespace siglip
