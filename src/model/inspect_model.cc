// See inspect_model.h.
#include "model/inspect_model.h"

#include "configuration/model_info.h"
#include "configuration/siglip_config.h"
#include "siglip/error.h"
#include "siglip/siglip2_vision_model.h"
#include "siglip/text_model.h"
#include "siglip/vision_model.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

template <class Model>
void Load(const Checkpoint& checkpoint) {
  Model::FromPretrained(checkpoint.path(), Runtime::Create({.threads = 1, .instruction_set = {}}));
}

/// Whether the towers of a packed checkpoint load is known once they have been: they are mapped,
/// which costs next to nothing.
void LoadPackedTowers(const Checkpoint& checkpoint, ModelInfo& info) {
  if (!info.parts.image_tower) return Load<SiglipTextModel>(checkpoint);
  if (HasVariableResolution(checkpoint)) {
    Load<Siglip2VisionModel>(checkpoint);
  } else {
    Load<SiglipVisionModel>(checkpoint);
  }
  if (!info.text) return;
  try {
    Load<SiglipTextModel>(checkpoint);
  } catch (const Error& error) {
    info.text.reset();
    info.unusable.insert(info.unusable.begin(), error.what());
  }
}

}  // namespace

ModelInfo InspectModel(const std::filesystem::path& folder) {
  return InspectModel(Checkpoint::Open(folder));
}

ModelInfo InspectModel(const Checkpoint& checkpoint) {
  ModelInfo info = DescribeModel(checkpoint);
  if (checkpoint.packed()) LoadPackedTowers(checkpoint, info);
  return info;
}

}  // namespace siglip
