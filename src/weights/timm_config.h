// The configuration of an image tower as timm writes it.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace siglip {

/// timm's config.json: "architecture", "model_args", "pretrained_cfg".
bool IsTimmConfig(const Json& json);

/// A config.json of transformers. What is not in "model_args" follows from the name of the
/// architecture; a name this library does not know is an Error(kUnsupported) unless "model_args"
/// says everything. Throws Error(kMalformedFile) for a field of another type.
Json TimmVisionConfig(const Json& json, const std::string& name);

/// The same for these arguments of timm's VisionTransformer (embed_dim, depth, num_heads,
/// patch_size, img_size, in_chans, mlp_ratio, act_layer, global_pool), their types checked already.
Json TimmVisionConfig(const Json& arguments, const std::string& architecture,
                      const std::string& name);

/// What `mlp_ratio` times `width` is truncated to. Throws Error(kInvalidArgument) naming the field
/// for a ratio that gives no size.
int64_t MlpWidth(int64_t width, double mlp_ratio, const std::string& field,
                 const std::string& name);

}  // namespace siglip
