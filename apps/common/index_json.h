// What an index holds, as JSON.
#pragma once

#include <string>

#include "siglip/index.hpp"

namespace siglip::apps {

/// "contents":..,"undecodable":..,"bytes":..,"folders":[{"path","path_base64"?,"files","missing",
/// "unreadable"}]: fields for an object, see docs/cli.md.
std::string IndexCountsJson(const IndexStatus& status);

}  // namespace siglip::apps
