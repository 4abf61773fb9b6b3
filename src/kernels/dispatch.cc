#include "kernels/dispatch.h"

#include <string>

#include "siglip/error.hpp"

namespace siglip {

const Kernels& KernelsFor(InstructionSet instruction_set) {
  switch (instruction_set) {
    case InstructionSet::kGeneric: return GenericKernels();
#if defined(__x86_64__)
    case InstructionSet::kAvx2: return Avx2Kernels();
    case InstructionSet::kAvx2Vnni: return Avx2VnniKernels();
    case InstructionSet::kAvx512: return Avx512Kernels();
    case InstructionSet::kAvx512Vnni: return Avx512VnniKernels();
    case InstructionSet::kAvx512Bf16: return Avx512Bf16Kernels();
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
