#include "siglip/runtime.h"

namespace siglip {

std::string_view Version() { return SIGLIP_VERSION; }

}  // namespace siglip
