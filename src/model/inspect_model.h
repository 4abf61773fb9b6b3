// What a checkpoint that is open holds, looked at alone: whether preprocessing and tokenizer fit is
// the embedder's to say.
#pragma once

#include "siglip/checkpoint.hpp"
#include "weights/checkpoint.h"

namespace siglip {

/// As InspectModel of a folder (siglip/checkpoint.hpp), but for misfits with what is not the model.
ModelInfo InspectModel(const Checkpoint& checkpoint);

}  // namespace siglip
