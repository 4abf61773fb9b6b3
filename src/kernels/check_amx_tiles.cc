#include "kernels/check_amx_tiles.h"

#include <memory>
#include <string>

#include "base/cpu_features.h"
#include "kernels/amx_cases.h"

namespace siglip {

void CheckAmxTiles(const Kernels& kernels) {
  for (const OperandType type : {OperandType::kBFloat16, OperandType::kInt8}) {
    const GemmTile tile = kernels.gemm_tile[static_cast<int>(type)];
    const auto cases = std::make_unique<AmxCases>(type);  // too large for the stack
    // All registers with a rest, one row below the upper ones, and a rest alone.
    const int wrong = cases->CountWrong(tile, 32, 17, true) +
                      cases->CountWrong(tile, 17, 16, false) + cases->CountWrong(tile, 1, 7, true);
    // No fault of the caller's, nor of the library's: an emulator, or a broken CPU.
    if (wrong > 0) {
      throw UnsupportedInstructionSet(InstructionSet::kAmx,
                                      std::string("its products of ") +
                                          (type == OperandType::kInt8 ? "bytes" : "bfloat16") +
                                          " are wrong");
    }
  }
}

}  // namespace siglip
