// Instruction sets: their names, their order, and which of them this CPU has.
#pragma once

#include <string_view>
#include <vector>

#include "siglip/runtime.hpp"

namespace siglip {

/// Slowest first, x86 before Arm; a CPU that has one has all kernels of those before it that it
/// lists too.
enum class InstructionSet {
  kGeneric,
  kAvx2,
  kAvx2Vnni,
  kAvx512,
  kAvx512Vnni,
  kAvx512Bf16,
  kNeon,
  kNeonDot,
  kNeonMmla,
};

/// "generic", "avx2", "avx2_vnni", "avx512" (F, BW, DQ, VL), "avx512_vnni", "avx512_bf16", "neon"
/// (any 64-bit Arm), "neon_dot" (with DotProd), "neon_mmla" (with I8MM and BF16).
std::string_view ToString(InstructionSet isa);
/// Throws Error(kInvalidArgument) listing the names.
InstructionSet ParseInstructionSet(std::string_view name);

/// Those this CPU and its operating system support, slowest first.
const std::vector<InstructionSet>& SupportedInstructionSets();

/// The first of the sets that give the same bits in a precision as `isa` does, by which their class
/// is called.
InstructionSet InstructionSetClass(InstructionSet isa, Precision precision);

/// Whether the CPU has instructions for SHA-256 (and those of SSE that go with them).
bool HasShaExtensions();

/// The one to use: `forced` if not empty, else $SIGLIP_ISA if set and not empty, else the fastest.
/// Throws Error(kInvalidArgument) for an unknown name, Error(kUnsupported) for one the CPU lacks.
InstructionSet ChooseInstructionSet(std::string_view forced = {});

}  // namespace siglip
