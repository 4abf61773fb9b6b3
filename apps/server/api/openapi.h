// The description of the service that it hands out: openapi.json.
#pragma once

#include <string_view>

namespace siglip::server {

/// OpenAPI 3.1, as JSON.
std::string_view OpenApi();

}  // namespace siglip::server
