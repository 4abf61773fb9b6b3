// What tells the towers of two checkpoints apart.
#pragma once

#include <filesystem>
#include <string>

#include "weights/name_map.h"
#include "weights/weights_hash_cache.h"

namespace siglip {

/// HashWeights of a tower (Part::kVision or Part::kText) of a checkpoint: what a packed one carries
/// of the weights it was made from, else what `cache` has for these very files, else computed now
/// and kept there. Throws Error as FromPretrained does, and Error(kUnsupported) for a checkpoint
/// that was packed before packed files carried hashes.
std::string TowerWeightsHash(const std::filesystem::path& checkpoint, Part tower,
                             const WeightsHashCache& cache = {});

}  // namespace siglip
