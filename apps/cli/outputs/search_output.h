// Hits of a search, for people and for programs.
#pragma once

#include <string>

#include "siglip/index.hpp"

namespace siglip::cli {

/// In percent: "97.3 %", "<0.1 %".
std::string Percent(double probability);

/// What else shows the same: "+1 copy, +2 alike"; empty where nothing does.
std::string Remarks(const Hit& hit);

/// A table. Names are made safe for terminals.
std::string SearchTable(const SearchResult& result);

}  // namespace siglip::cli
