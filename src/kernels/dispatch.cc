#include "kernels/dispatch.h"

#include <string>

#include "siglip/error.h"

namespace siglip {

const Kernels& KernelsFor(InstructionSet instruction_set) {
  switch (instruction_set) {
    case InstructionSet::kGeneric: return GenericKernels();
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
    case InstructionSet::kAvx2Vnni: return Avx2Kernels();
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
    case InstructionSet::kAvx512Bf16: return Avx512Kernels();
#endif
    default:
      throw Error(ErrorCode::kUnsupported,
                  "this build has no kernels for " + std::string(ToString(instruction_set)));
  }
}

}  // namespace siglip
