// The configurations of a checkpoint's towers, whichever project wrote them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/json.h"
#include "siglip/siglip2_vision_config.h"
#include "siglip/text_config.h"
#include "siglip/vision_config.h"
#include "weights/checkpoint.h"

namespace siglip {

/// The values of hidden_act that are honoured, by transformers' names. gelu_new and gelu_fast are
/// gelu_pytorch_tanh, swish is silu.
inline constexpr std::array<std::string_view, 8> kKnownActivations = {
    "gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu", "quick_gelu", "relu", "silu", "swish"};

/// Reads config.json of transformers (flat, "vision_config", VLM folders), of timm or of open_clip.
/// `vision_use_head` of the result is always set: by the file where it says so, else by whether the
/// checkpoint holds head.probe. Throws Error for an unknown model_type or timm model name, and when
/// a head is asked for but not there.
SiglipVisionConfig LoadVisionConfig(const Checkpoint& checkpoint);

/// The same for NaFlex checkpoints (model_type siglip2), which only transformers writes. The two
/// refuse each other's.
Siglip2VisionConfig LoadSiglip2VisionConfig(const Checkpoint& checkpoint);
Siglip2VisionConfig ParseSiglip2Config(const Json& json, const std::string& name);

/// Which of the two reads the checkpoint.
bool HasVariableResolution(const Checkpoint& checkpoint);

/// What LoadVisionConfig reads off the JSON alone. `name` is what errors call it.
SiglipVisionConfig ParseVisionConfig(const Json& json, const std::string& name);

/// The same for a config.json of transformers.
SiglipVisionConfig ParseTransformersConfig(const Json& json, const std::string& name);

/// The same of the text tower. Throws Error(kUnsupported) when there is none of SigLIP's.
SiglipTextConfig LoadTextConfig(const Checkpoint& checkpoint);
SiglipTextConfig ParseTextConfig(const Json& json, const std::string& name);
SiglipTextConfig ParseTransformersTextConfig(const Json& json, const std::string& name);

}  // namespace siglip
