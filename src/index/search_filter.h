// Which contents a SearchFilter lets through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/exact_search.h"
#include "siglip/index.hpp"

namespace siglip {

/// The paths below a folder, as text that they all begin with; empty stands for all paths.
std::string PrefixOf(const std::filesystem::path& folder);

/// What the paths of an index that are below SearchFilter::under begin with: that, and what
/// archives may call it. Only the empty prefix of all paths where it is empty.
std::vector<std::string> PrefixesOf(const std::filesystem::path& under);

struct Passing {
  ContentFilter contents;
  int64_t count = 0;
};

/// Of the contents that are `present` those that pass. Absent where the filter is empty.
std::optional<Passing> FindPassing(const Database& database, const SearchFilter& filter,
                                   const ContentFilter& present);

}  // namespace siglip
