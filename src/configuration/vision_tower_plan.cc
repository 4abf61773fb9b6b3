#include "configuration/vision_tower_plan.h"

#include "configuration/architecture.h"
#include "configuration/siglip_config.h"
#include "configuration/vision_fields.h"

namespace siglip {

Resolution ResolutionOf(const Checkpoint& checkpoint) {
  return ResolutionOf(checkpoint.config(), checkpoint.config_name());
}

AnyVisionConfig LoadAnyVisionConfig(const Checkpoint& checkpoint) {
  if (ResolutionOf(checkpoint) == Resolution::kNaflex) return LoadSiglip2VisionConfig(checkpoint);
  return LoadVisionConfig(checkpoint);
}

VisionTowerPlan::VisionTowerPlan(const AnyVisionConfig& any) {
  if (const auto* fixed = std::get_if<SiglipVisionConfig>(&any)) {
    config = *fixed;
    resolution = Resolution::kFixed;
    positions_per_side = fixed->patches_per_side();
    image_size = fixed->image_size;
    return;
  }
  const auto& naflex = std::get<Siglip2VisionConfig>(any);
  config = naflex;
  resolution = Resolution::kNaflex;
  positions_per_side = naflex.positions_per_side();
  image_size = 0;
}

std::string ToJson(const AnyVisionConfig& any) {
  return std::visit([](const auto& config) { return config.ToJson(); }, any);
}

std::vector<TensorSpec> VisionTensors(const AnyVisionConfig& any) {
  return VisionArchitecture(any).specs();
}

}  // namespace siglip
