// Scale and bias of a checkpoint's logits.
#pragma once

#include "weights/checkpoint.h"

namespace siglip {

struct LogitParameters {
  float scale;  ///< A logarithm.
  float bias;
};

/// Reads `logit_scale` and `logit_bias`. Throws Error(kMalformedFile) when one of them, or the
/// exponential of the scale, is NaN or infinite.
LogitParameters ReadLogitParameters(const Checkpoint& checkpoint);

}  // namespace siglip
