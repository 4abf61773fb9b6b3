// POST /v1/duplicates: which pictures of the index are there more than once.
#pragma once

#include <cstdint>
#include <string_view>

#include "siglip/index.hpp"

namespace siglip::server {

struct DuplicatesRequest {
  DuplicateOptions options;
  int64_t offset = 0;  ///< Groups to pass over, from 0.
  int64_t top = 20;    ///< Groups to show, 1 to 1,000.
};

/// {"kind": "same-bytes"|"same-picture"|"similar", "threshold", "offset": 0, "top": 20}, all of
/// which may be absent or null; other fields are ignored. "threshold" is 0.000001 to 1, and none of
/// "same-bytes". Throws ApiError (400) naming the field.
DuplicatesRequest ReadDuplicatesRequest(std::string_view json);

}  // namespace siglip::server
