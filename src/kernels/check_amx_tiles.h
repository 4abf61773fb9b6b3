// Whether this machine's AMX computes what it should.
#pragma once

#include "kernels/kernels.h"

namespace siglip {

/// Compares a few products of both types with plain arithmetic, in less than a millisecond. Throws
/// Error(kUnsupported) where they differ.
void CheckAmxTiles(const Kernels& kernels);

}  // namespace siglip
