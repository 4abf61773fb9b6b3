// What rescaling and normalising make of a byte.
#pragma once

#include <array>

#include "siglip/transformers/image_processor.hpp"

namespace siglip {

/// Per channel, the value that each of the 256 bytes becomes.
using PixelValueTables = std::array<std::array<float, 256>, 3>;

/// To the bit as the mode's original computes it.
PixelValueTables MakePixelValueTables(const PixelConfig& config, PreprocessMode mode);

}  // namespace siglip
