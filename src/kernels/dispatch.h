// From an instruction set to its kernels.
#pragma once

#include "base/cpu_features.h"
#include "kernels/kernels.h"

namespace siglip {

/// Sets that f32 does not tell apart (avx2 and avx2_vnni; the AVX-512 ones) share a table. Throws
/// Error(kUnsupported) where this build has no kernels for the set.
const Kernels& KernelsFor(InstructionSet instruction_set);

}  // namespace siglip
