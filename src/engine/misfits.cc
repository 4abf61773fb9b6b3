// FindMisfits: what would keep an engine from using towers that load. See siglip/engine.h.
#include <string>
#include <vector>

#include "configuration/siglip_config.h"
#include "configuration/vision_tower_plan.h"
#include "engine/image_tower.h"
#include "engine/text_part.h"
#include "siglip/engine.h"
#include "siglip/error.h"
#include "siglip/image_processor.h"
#include "siglip/model.h"
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

std::vector<std::string> FindMisfits(const std::filesystem::path& folder) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  std::vector<std::string> misfits;
  const auto attempt = [&](bool has_parts, const auto& check, const auto& counts) {
    try {
      if (has_parts) check(checkpoint);
    } catch (const Error& error) {
      if (counts(error.code())) misfits.emplace_back(error.what());
    }
  };
  const bool pictures = checkpoint.Find(Part::kVision).has_value();
  const bool texts = checkpoint.Find(Part::kText).has_value();
  const auto is_misfit = [](ErrorCode code) { return code == ErrorCode::kMismatch; };
  attempt(pictures, CheckPreprocessingFits, is_misfit);
  attempt(texts, CheckTextsFit, [](ErrorCode code) { return code != ErrorCode::kNotFound; });
  attempt(pictures && texts, CheckEmbeddingsFit, is_misfit);
  return misfits;
}

}  // namespace siglip
