#include "kernels/dispatch.h"

#include <string>

#include "base/amx.h"
#include "kernels/check_amx_tiles.h"
#include "siglip/error.hpp"

namespace siglip {
#if defined(__x86_64__)
namespace {

/// The registers are asked for here, not where sets are listed: a process that has them needs
/// larger stacks for its signals. Once is enough for all threads, and so is one test.
const Kernels& CheckedAmxKernels() {
  static const bool is_checked = [] {
    const std::string refusal = RequestTileRegisters();
    if (!refusal.empty()) throw UnsupportedInstructionSet(InstructionSet::kAmx, refusal);
    CheckAmxTiles(AmxKernels());
    return true;
  }();
  static_cast<void>(is_checked);
  return AmxKernels();
}

}  // namespace
#endif

const Kernels& KernelsFor(InstructionSet instruction_set) {
  switch (instruction_set) {
    case InstructionSet::kGeneric: return GenericKernels();
#if defined(__x86_64__)
    case InstructionSet::kAvx2: return Avx2Kernels();
    case InstructionSet::kAvx2Vnni: return Avx2VnniKernels();
    case InstructionSet::kAvx512: return Avx512Kernels();
    case InstructionSet::kAvx512Vnni: return Avx512VnniKernels();
    case InstructionSet::kAvx512Bf16: return Avx512Bf16Kernels();
    case InstructionSet::kAmx: return CheckedAmxKernels();
#elif defined(__aarch64__)
    case InstructionSet::kNeon: return NeonKernels();
    case InstructionSet::kNeonDot: return NeonDotKernels();
    case InstructionSet::kNeonMmla: return NeonMmlaKernels();
#endif
    default:
      throw Error(ErrorCode::kUnsupported,
                  "this build has no kernels for " + std::string(ToString(instruction_set)));
  }
}

}  // namespace siglip
