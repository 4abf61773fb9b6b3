// See transformers_config.h.
#include "weights/transformers_config.h"

#include "siglip/error.hpp"
#include "weights/idefics_config.h"
#include "weights/open_clip_config.h"
#include "weights/timm_config.h"

namespace siglip {

Json TransformersConfig(const Json& config, Part tower, const std::string& name) {
  const bool is_text = tower == Part::kText;
  if (IsOpenClipConfig(config)) {
    return is_text ? OpenClipTextConfig(config, name) : OpenClipVisionConfig(config, name);
  }
  if (IsTimmConfig(config)) {
    if (!is_text) return TimmVisionConfig(config, name);
    throw Error(ErrorCode::kUnsupported, name + ": models of timm have no text tower");
  }
  if (!is_text && IsIdeficsConfig(config)) return IdeficsVisionConfig(config, name);
  return config;
}

}  // namespace siglip
