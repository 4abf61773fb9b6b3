#include "base/cpu_features.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/amx.h"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace siglip {
namespace {

constexpr std::array<std::pair<InstructionSet, std::string_view>, 10> kNames = {{
    {InstructionSet::kGeneric, "generic"},
    {InstructionSet::kAvx2, "avx2"},
    {InstructionSet::kAvx2Vnni, "avx2_vnni"},
    {InstructionSet::kAvx512, "avx512"},
    {InstructionSet::kAvx512Vnni, "avx512_vnni"},
    {InstructionSet::kAvx512Bf16, "avx512_bf16"},
    {InstructionSet::kAmx, "amx"},
    {InstructionSet::kNeon, "neon"},
    {InstructionSet::kNeonDot, "neon_dot"},
    {InstructionSet::kNeonMmla, "neon_mmla"},
}};

/// `source`, if not empty, says where the name comes from.
InstructionSet Parse(std::string_view name, const std::string& source) {
  std::string known_names;
  for (const auto& [isa, known] : kNames) {
    if (name == known) return isa;
    known_names += (known_names.empty() ? "" : ", ") + std::string(known);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "unknown instruction set '" + std::string(name) + "'" + source,
              "known: " + known_names);
}

#if defined(__x86_64__)
// __builtin_cpu_supports also asks the operating system (XGETBV) about the wide registers, but
// knows neither AVX-VNNI nor SHA before GCC 13: these are bits of CPUID leaf 7.
struct Leaf7 {
  unsigned eax = 0;
  unsigned ebx = 0;
};
Leaf7 ReadLeaf7(unsigned subleaf) {
  Leaf7 leaf;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, subleaf, &leaf.eax, &leaf.ebx, &ecx, &edx) == 0) return {};
  return leaf;
}
bool HasAvxVnni() { return (ReadLeaf7(1).eax & (1U << 4)) != 0; }
bool IsIntel() { return __builtin_cpu_is("intel") != 0; }
#else
bool IsIntel() { return false; }
#endif

std::vector<InstructionSet> Detect() {
  std::vector<InstructionSet> sets = {InstructionSet::kGeneric};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return sets;
  sets.push_back(InstructionSet::kAvx2);
  if (HasAvxVnni()) sets.push_back(InstructionSet::kAvx2Vnni);
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return sets;
  }
  sets.push_back(InstructionSet::kAvx512);
  if (!__builtin_cpu_supports("avx512vnni")) return sets;
  sets.push_back(InstructionSet::kAvx512Vnni);
  if (!__builtin_cpu_supports("avx512bf16")) return sets;
  sets.push_back(InstructionSet::kAvx512Bf16);
  if (MissingForAmx().empty()) sets.push_back(InstructionSet::kAmx);
#elif defined(__aarch64__)
  const unsigned long features = getauxval(AT_HWCAP);
  if ((features & HWCAP_ASIMD) == 0) return sets;
  sets.push_back(InstructionSet::kNeon);
  if ((features & HWCAP_ASIMDDP) == 0) return sets;
  sets.push_back(InstructionSet::kNeonDot);
  const unsigned long more = getauxval(AT_HWCAP2);
  if ((more & HWCAP2_I8MM) == 0 || (more & HWCAP2_BF16) == 0) return sets;
  sets.push_back(InstructionSet::kNeonMmla);
#endif
  return sets;
}

}  // namespace

std::string_view ToString(InstructionSet isa) { return kNames.at(static_cast<size_t>(isa)).second; }

InstructionSet ParseInstructionSet(std::string_view name) { return Parse(name, ""); }

const std::vector<InstructionSet>& SupportedInstructionSets() {
  static const std::vector<InstructionSet> sets = Detect();
  return sets;
}

// What decides bits is the width of vectors, since sums are split among their lanes, and whether
// bfloat16 is multiplied as such; int8 multiplies it in attention. Products of bytes are exact,
// with or without an instruction for them. NEON's kernels take the steps of AVX2's.
InstructionSet InstructionSetClass(InstructionSet isa, Precision precision) {
  const bool is_float = precision == Precision::kFloat32;
  switch (isa) {
    case InstructionSet::kGeneric: return InstructionSet::kGeneric;
    case InstructionSet::kAvx2:
    case InstructionSet::kAvx2Vnni:
    case InstructionSet::kNeon:
    case InstructionSet::kNeonDot: return InstructionSet::kAvx2;
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni: return InstructionSet::kAvx512;
    case InstructionSet::kAvx512Bf16:
      return is_float ? InstructionSet::kAvx512 : InstructionSet::kAvx512Bf16;
    case InstructionSet::kAmx: return is_float ? InstructionSet::kAvx512 : InstructionSet::kAmx;
    case InstructionSet::kNeonMmla:
      return is_float ? InstructionSet::kAvx2 : InstructionSet::kNeonMmla;
  }
  throw Error(ErrorCode::kInternal, "an instruction set of no class");
}

bool HasShaExtensions() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
         (ReadLeaf7(0).ebx & (1U << 29)) != 0;
#else
  return false;
#endif
}

// Intel's cores take two cycles for a product of bfloat16 in vector registers, which makes it no
// faster than two of float: there the set without it is the better one.
InstructionSet PreferredInstructionSet(const std::vector<InstructionSet>& supported,
                                       bool is_intel) {
  size_t last = supported.size() - 1;
  if (supported[last] == InstructionSet::kAmx) --last;
  if (supported[last] == InstructionSet::kAvx512Bf16 && is_intel) --last;
  return supported[last];
}

InstructionSet ChooseInstructionSet(std::string_view forced) {
  std::string source;
  if (forced.empty()) {
    const char* variable = std::getenv("SIGLIP_ISA");
    if (variable != nullptr && *variable != '\0') {
      forced = variable;
      source = " in the environment variable SIGLIP_ISA";
    }
  }
  const std::vector<InstructionSet>& supported = SupportedInstructionSets();
  if (forced.empty()) return PreferredInstructionSet(supported, IsIntel());
  const InstructionSet isa = Parse(forced, source);
  if (std::find(supported.begin(), supported.end(), isa) == supported.end()) {
    // The CPU may have AMX and nobody who saves its registers.
    throw UnsupportedInstructionSet(isa, isa == InstructionSet::kAmx ? MissingForAmx() : "",
                                    source);
  }
  return isa;
}

Error UnsupportedInstructionSet(InstructionSet isa, std::string_view reason,
                                std::string_view source) {
  std::string others;
  for (const InstructionSet other : SupportedInstructionSets()) {
    if (other != isa) others += (others.empty() ? "" : ", ") + std::string(ToString(other));
  }
  return Error(ErrorCode::kUnsupported,
               "this machine lacks the instruction set '" + std::string(ToString(isa)) +
                   "' asked for" + std::string(source) + (reason.empty() ? "" : ": ") +
                   std::string(reason),
               "available here: " + others);
}

std::vector<std::string> AvailableInstructionSets() {
  std::vector<std::string> names;
  for (InstructionSet isa : SupportedInstructionSets()) names.emplace_back(ToString(isa));
  return names;
}

}  // namespace siglip
