// The reply to POST /v1/duplicates.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "server/api/duplicates_request.h"
#include "siglip/index.hpp"

namespace siglip::server {

/// {"object":"list","kind","total","data":[{"spare_bytes","files":[{"id","hash","path",
/// "path_base64","width","height","bytes","mtime","score"}]}]}: of all `groups`, `total` of them,
/// those that the request asks for. "spare_bytes" is what all files but the first take;
/// "path_base64" is there where a path is no UTF-8; "mtime" in seconds since 1970.
///
/// `hash` tells that of a content, 32 hexadecimal digits, or "", for which "hash" is left out.
std::string DuplicatesReply(std::span<const DuplicateGroup> groups,
                            const DuplicatesRequest& request,
                            const std::function<std::string(int64_t content)>& hash);

/// The most bytes that it has.
uint64_t DuplicatesReplyBytes(std::span<const DuplicateGroup> groups,
                              const DuplicatesRequest& request);

}  // namespace siglip::server
