// See siglip_config.h.
#include "configuration/siglip_config.h"

#include "configuration/open_clip_text_config.h"
#include "configuration/timm_config.h"
#include "configuration/vision_fields.h"
#include "siglip/error.h"

namespace siglip {
namespace {

/// The tutorial's files have no model_type. The fields' own names must show that this is the
/// configuration of an image tower, since every field left out would silently take its default.
void CheckIsVisionConfig(const Json& json, const std::string& name) {
  for (const char* key : {"model_type", "vision_config", "architecture", "model_cfg", "vision_cfg",
                          "hidden_size", "num_hidden_layers", "image_size", "patch_size"}) {
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

}  // namespace

SiglipVisionConfig ParseVisionConfig(const Json& json, const std::string& name) {
  if (IsOpenClipConfig(json)) return ParseOpenClipConfig(json, name);
  if (IsTimmConfig(json)) return ParseTimmConfig(json, name);
  return ParseTransformersConfig(json, name);
}

SiglipVisionConfig LoadVisionConfig(const Checkpoint& checkpoint) {
  checkpoint.Require(Part::kVision);
  CheckIsVisionConfig(checkpoint.config(), checkpoint.config_name());
  SiglipVisionConfig config = ParseVisionConfig(checkpoint.config(), checkpoint.config_name());
  DecideHead(checkpoint, config);
  return config;
}

Siglip2VisionConfig LoadSiglip2VisionConfig(const Checkpoint& checkpoint) {
  checkpoint.Require(Part::kVision);
  CheckIsVisionConfig(checkpoint.config(), checkpoint.config_name());
  Siglip2VisionConfig config = ParseSiglip2Config(checkpoint.config(), checkpoint.config_name());
  DecideHead(checkpoint, config);
  return config;
}

bool HasVariableResolution(const Checkpoint& checkpoint) {
  return HasVariableResolution(checkpoint.config(), checkpoint.config_name());
}

SiglipTextConfig ParseTextConfig(const Json& json, const std::string& name) {
  if (IsOpenClipConfig(json)) return ParseOpenClipTextConfig(json, name);
  if (IsTimmConfig(json)) {
    throw Error(ErrorCode::kUnsupported, name + ": models of timm have no text tower");
  }
  return ParseTransformersTextConfig(json, name);
}

SiglipTextConfig LoadTextConfig(const Checkpoint& checkpoint) {
  checkpoint.Require(Part::kText);
  return ParseTextConfig(checkpoint.config(), checkpoint.config_name());
}

}  // namespace siglip
