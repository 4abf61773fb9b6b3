// See inspect_model.h.
#include "model/inspect_model.h"

#include "configuration/model_info.h"
#include "configuration/siglip_config.h"
#include "model/siglip_text.h"
#include "model/vision_model_state.h"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

/// Whether the towers of a packed checkpoint load is known once they have been: they are mapped,
/// which costs next to nothing.
void LoadPackedTowers(const Checkpoint& checkpoint, ModelInfo& info) {
  const auto runtime = Runtime::Create({.threads = 1, .instruction_set = {}});
  if (info.parts.image_tower) LoadVisionModel(checkpoint, runtime, {});
  if (!info.text) return;
  try {
    LoadTextModel(checkpoint, runtime, {});
  } catch (const Error& error) {
    if (!info.parts.image_tower) throw;
    info.text.reset();
    info.unusable.insert(info.unusable.begin(), error.what());
  }
}

}  // namespace

ModelInfo InspectModel(const Checkpoint& checkpoint) {
  ModelInfo info = DescribeModel(checkpoint);
  if (checkpoint.packed()) LoadPackedTowers(checkpoint, info);
  return info;
}

}  // namespace siglip
