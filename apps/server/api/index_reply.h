// The reply to GET /v1/index.
#pragma once

#include <string>

#include "siglip/index.hpp"

namespace siglip::server {

/// {"object":"index","model","dimension","contents","undecodable","bytes","folders":[{"path",
/// "path_base64","files","missing","unreadable"}]}; "model" and "dimension" are null as long as
/// nothing was indexed, "path_base64" is there where a path is no UTF-8.
std::string IndexReply(const IndexStatus& status);

}  // namespace siglip::server
