#include "base/amx.h"

#include <cerrno>
#include <cstring>

#if defined(__x86_64__)
#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace siglip {

std::string_view MissingForAmx(uint32_t features, uint64_t saved_states) {
  constexpr uint32_t kBFloat16 = 1U << 22;
  constexpr uint32_t kTile = 1U << 24;
  constexpr uint32_t kInt8 = 1U << 25;
  constexpr uint32_t kFeatures = kBFloat16 | kTile | kInt8;
  constexpr uint64_t kStates = 3U << 17;  // the configuration of tiles, and their data
  if ((features & kFeatures) != kFeatures) return "its CPU has no AMX with bfloat16 and bytes";
  if ((saved_states & kStates) != kStates) {
    return "its operating system does not save the registers of AMX";
  }
  return "";
}

#if defined(__x86_64__)

namespace {

/// Zero where programs may not ask.
uint64_t ReadXcr0() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kOsxsave = 1U << 27;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kOsxsave) == 0) return 0;
  asm("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return uint64_t{edx} << 32 | eax;
}

}  // namespace

std::string_view MissingForAmx() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) edx = 0;
  return MissingForAmx(edx, ReadXcr0());
}

std::string RequestTileRegisters() {
  constexpr int kTileData = 18;  // the state component
  if (::syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, kTileData) == 0) return "";
  return std::string("the kernel refuses this process the registers of AMX: ") +
         std::strerror(errno);
}

#else

std::string_view MissingForAmx() { return MissingForAmx(0, 0); }
std::string RequestTileRegisters() { return std::string(MissingForAmx()); }

#endif

}  // namespace siglip
