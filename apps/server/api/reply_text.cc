#include "server/api/reply_text.h"

#include <cmath>

#include "output/text.h"
#include "siglip/error.hpp"

namespace siglip::server {

std::string ListBegin(std::string_view model) {
  return "{\"object\":\"list\",\"model\":" + JsonQuoted(model) + ",\"data\":[";
}

void CheckFinite(float number, size_t item) {
  if (std::isfinite(number)) return;
  throw Error(ErrorCode::kInternal, "expected finite numbers of item " + std::to_string(item) +
                                        ", found " + std::to_string(number));
}

}  // namespace siglip::server
