// The architecture of a big_vision checkpoint, which has no configuration: its shapes say it all.
#pragma once

#include <optional>

#include "base/json.h"
#include "weights/name_map.h"
#include "weights/tensor_file.h"

namespace siglip {

/// A config.json of transformers for the towers at these places, one of which must be there. What
/// shapes do not say is as in every SigLIP model: GELU's tanh approximation, layer_norm_eps 1e-6,
/// square pictures. Throws Error(kMismatch) naming the tensor that is missing or has another number
/// of extents.
Json BigVisionConfig(const TensorFile& file, const std::optional<Place>& vision,
                     const std::optional<Place>& text);

/// `given`, a config.json that lies beside the file, with the fields it leaves out taken from
/// `derived`. Throws Error(kMismatch) where `given` has another number of heads than the file,
/// which no shape asked for later would tell. `given_name` is what errors call it.
Json CompleteBigVisionConfig(const Json& derived, const Json& given, const std::string& given_name);

}  // namespace siglip
