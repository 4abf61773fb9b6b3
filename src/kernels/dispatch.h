// From an instruction set to its kernels.
#pragma once

#include "base/cpu_features.h"
#include "kernels/kernels.h"

namespace siglip {

/// Throws Error(kUnsupported) where this build has no kernels for the set, or where the tile
/// registers of AMX are refused or compute something else.
const Kernels& KernelsFor(InstructionSet instruction_set);

}  // namespace siglip
