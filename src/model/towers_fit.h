// Whether two towers belong together.
#pragma once

#include <string>

#include "siglip/transformers/configuration.hpp"

namespace siglip {

/// Throws Error(kMismatch) unless both towers, by the configurations of their models, embed into
/// the same space. `name` is what errors call the model.
void CheckTowersFit(const SiglipVisionTowerConfig& vision, const SiglipTextConfig& text,
                    const std::string& name = "model");

}  // namespace siglip
