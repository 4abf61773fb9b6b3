// Whether AMX can be used: what the CPU, the operating system and this process have to bring.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace siglip {

/// What is missing for AMX with bfloat16 and bytes, in words; empty where nothing is. `features` is
/// EDX of CPUID leaf 7, `saved_states` is XCR0: what the operating system saves of a thread.
std::string_view MissingForAmx(uint32_t features, uint64_t saved_states);
/// The same of this machine.
std::string_view MissingForAmx();

/// Asks the kernel for the tile registers, which a process gets on request only and for all its
/// threads. Returns why it refuses, in words; empty where it does not.
std::string RequestTileRegisters();

}  // namespace siglip
