// Instruction sets: their names, their order, and which of them this CPU has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "siglip/error.hpp"
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
  kAmx,
  kNeon,
  kNeonDot,
  kNeonMmla,
};

/// "generic", "avx2", "avx2_vnni", "avx512" (F, BW, DQ, VL), "avx512_vnni", "avx512_bf16", "amx"
/// (with BF16 and INT8), "neon" (any 64-bit Arm), "neon_dot" (with DotProd), "neon_mmla" (with I8MM
/// and BF16).
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

/// The one of these to use unless told: the fastest, but never kAmx, which is for those who ask for
/// it, and on Intel's CPUs not kAvx512Bf16 either.
InstructionSet PreferredInstructionSet(const std::vector<InstructionSet>& supported, bool is_intel);

/// The one to use: `forced` if not empty, else $SIGLIP_ISA if set and not empty, else the preferred
/// one. Throws Error(kInvalidArgument) for an unknown name, Error(kUnsupported) for one the CPU
/// lacks.
InstructionSet ChooseInstructionSet(std::string_view forced = {});

/// An Error(kUnsupported) over a set that this machine lacks, with a hint at the others. `reason`,
/// if not empty, says why it does, and `source` where the name comes from.
Error UnsupportedInstructionSet(InstructionSet isa, std::string_view reason,
                                std::string_view source = {});

}  // namespace siglip
