// Seeded random weights as transformers initialises a new model.
#pragma once

#include <cstdint>
#include <memory>

#include "configuration/vision_tower_plan.h"
#include "weights/weight_source.h"

namespace siglip {

/// Distributions of SiglipPreTrainedModel._init_weights. Every tensor is drawn from a stream of its
/// own, keyed by seed and name, on demand: same seed, same values, on every machine and in any
/// order of reading.
std::shared_ptr<const WeightSource> RandomVisionWeights(const AnyVisionConfig& config,
                                                        uint64_t seed);

}  // namespace siglip
