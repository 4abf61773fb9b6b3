// Kernels for AMX with bfloat16 and bytes: those of AVX-512 with BF16, whose products of these
// types are made in tile registers.
#include <immintrin.h>

#include "kernels/kernels.h"

namespace siglip {
namespace {

#include "kernels/isa/amx_tile.h"
#include "kernels/isa/amx_tile_registers.h"

}  // namespace

const Kernels& AmxKernels() {
  static const Kernels kernels = WithTiles<HardwareTiles>(Avx512Bf16Kernels());
  return kernels;
}

}  // namespace siglip
