// Hits of a search as JSON.
#pragma once

#include <string>
#include <string_view>

#include "siglip/index.hpp"

namespace siglip::apps {

/// Hits that stand out less from the rest of the index are called weaker matches. On the demo
/// model's evaluation 95% of the right first hits of its prompts reach 2.786: weak_standout.py.
inline constexpr double kWeakStandout = 2.7;

/// One object on one line, see docs/cli.md. Paths that are no UTF-8 come with their exact bytes as
/// path_base64. With an `object` it begins with "object": that, as replies of the service do.
std::string SearchJson(const SearchResult& result, double milliseconds,
                       std::string_view object = {});

}  // namespace siglip::apps
