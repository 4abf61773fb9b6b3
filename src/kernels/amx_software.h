// AMX without it, for tests: its tile over registers of plain C++, which runs on any CPU.
#pragma once

#include "kernels/kernels.h"

namespace siglip {

/// GemmTiles with panels of 32 columns and unsigned bytes on the left.
extern const GemmTile kSoftwareBFloat16Tile;
extern const GemmTile kSoftwareInt8Tile;

/// What AmxKernels would be with these tiles; null on a CPU without the other kernels of that
/// table.
const Kernels* AmxSoftwareKernels();

}  // namespace siglip
