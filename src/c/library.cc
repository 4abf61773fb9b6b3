// What the library says of itself.
#include <string>
#include <vector>

#include "c/arguments.h"
#include "siglip/runtime.hpp"

uint32_t siglip_abi_version(void) { return SIGLIP_ABI_VERSION; }

// What these answer with are literals.
const char* siglip_version(void) { return siglip::Version().data(); }

const char* siglip_status_name(siglip_status status) {
  const uint32_t number = siglip::Number(status);
  if (number == SIGLIP_OK) return "ok";
  if (number == SIGLIP_OUT_OF_MEMORY) return "out of memory";
  if (number > SIGLIP_INTERNAL) return "unknown status";
  return siglip::ToString(static_cast<siglip::ErrorCode>(number - 1)).data();
}

const char* siglip_instruction_set(size_t index) {
  try {
    static const std::vector<std::string> names = siglip::AvailableInstructionSets();
    return index < names.size() ? names[index].c_str() : nullptr;
  } catch (...) {  // no memory: there is none to name
    return nullptr;
  }
}
