// Hits of a search, for people and for programs.
#pragma once

#include <string>

#include "siglip/index.hpp"

namespace siglip::cli {

/// Hits that stand out less from the rest of the index are called weaker matches. On the demo
/// model's evaluation 95% of the right first hits of its prompts reach 2.786: weak_standout.py.
inline constexpr double kWeakStandout = 2.7;

/// In percent: "97.3 %", "<0.1 %".
std::string Percent(double probability);

/// What else shows the same: "+1 copy, +2 alike"; empty where nothing does.
std::string Remarks(const Hit& hit);

/// A table. Names are made safe for terminals.
std::string SearchTable(const SearchResult& result);

/// One object on one line, see docs/cli.md. Paths that are no UTF-8 come with their exact bytes as
/// path_base64.
std::string SearchJson(const SearchResult& result, double milliseconds);

}  // namespace siglip::cli
