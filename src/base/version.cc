#include "siglip/runtime.hpp"

namespace siglip {

std::string_view Version() { return SIGLIP_VERSION; }

}  // namespace siglip
