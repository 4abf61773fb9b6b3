// Groups of duplicates, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "siglip/index.hpp"

namespace siglip::cli {

/// A paragraph per group, the representative first, and a sum. Names are made safe for terminals.
std::string DuplicatesText(const std::vector<DuplicateGroup>& groups);

/// A line per group, see docs/cli.md. Paths that are no UTF-8 come with their exact bytes as
/// path_base64.
std::string DuplicatesJson(const DuplicateGroup& group, DuplicateKind kind);

}  // namespace siglip::cli
