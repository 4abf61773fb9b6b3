// See siglip_config.h.
#include "configuration/siglip_config.h"

#include "configuration/vision_fields.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// The tutorial's files have no model_type. The fields' own names must show that this is the
/// configuration of an image tower, since every field left out would silently take its default.
void CheckIsVisionConfig(const Json& json, const std::string& name) {
  for (const char* key : {"model_type", "vision_config", "hidden_size", "num_hidden_layers",
                          "image_size", "patch_size"}) {
    if (json.contains(key)) return;
  }
  throw Error(ErrorCode::kUnsupported,
              name +
                  ": expected a configuration of an image tower: no 'model_type' and none of its "
                  "fields");
}

/// Sets `vision_use_head` by what the checkpoint holds where the file leaves it open.
void DecideHead(const Checkpoint& checkpoint, SiglipVisionTowerConfig& config) {
  const bool has_probe = HasTensor(checkpoint, "vision_model.head.probe");
  if (config.vision_use_head.value_or(false) && !has_probe) {
    throw Error(ErrorCode::kMismatch,
                checkpoint.config_name() + ": field 'vision_use_head' asks for a pooling head, " +
                    "but the checkpoint has no tensor 'head.probe'",
                "set \"vision_use_head\": false to use the model without a pooled output");
  }
  if (!config.vision_use_head) config.vision_use_head = has_probe;
}

template <class Config>
Config LoadTower(const Checkpoint& checkpoint, Config (*parse)(const Json&, const std::string&)) {
  checkpoint.Require(Part::kVision);
  const Json json = checkpoint.ConfigOf(Part::kVision);
  CheckIsVisionConfig(json, checkpoint.config_name());
  Config config = parse(json, checkpoint.config_name());
  DecideHead(checkpoint, config);
  return config;
}

}  // namespace

SiglipVisionConfig LoadVisionConfig(const Checkpoint& checkpoint) {
  return LoadTower(checkpoint, ParseVisionConfig);
}

Siglip2VisionConfig LoadSiglip2VisionConfig(const Checkpoint& checkpoint) {
  return LoadTower(checkpoint, ParseSiglip2Config);
}

SiglipTextConfig LoadTextConfig(const Checkpoint& checkpoint) {
  checkpoint.Require(Part::kText);
  return ParseTextConfig(checkpoint.ConfigOf(Part::kText), checkpoint.config_name());
}

}  // namespace siglip
