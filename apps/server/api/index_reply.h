// The reply to GET /v1/index.
#pragma once

#include <string>

#include "siglip/index.hpp"

namespace siglip::server {

/// What the service knows beside the index.
struct IndexState {
  bool texts = false;     ///< Whether words can be searched for.
  bool updating = false;  ///< Whether the index is being brought up to date.
};

/// {"object":"index","model","dimension","texts","updating","weak_standout","contents","undecodable","bytes","folders":[{"path",
/// "path_base64","files","missing","unreadable"}]}; "model" and "dimension" are null as long as
/// nothing was indexed, "path_base64" is there where a path is no UTF-8.
std::string IndexReply(const IndexStatus& status, const IndexState& state);

}  // namespace siglip::server
