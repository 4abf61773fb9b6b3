// Which contents a SearchFilter lets through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "index/database.h"
#include "index/exact_search.h"
#include "siglip/index.hpp"

namespace siglip {

/// The paths below a folder, as text that they all begin with; empty stands for all paths.
std::string PrefixOf(const std::filesystem::path& folder);

struct Passing {
  ContentFilter contents;
  int64_t count = 0;
};

/// Of the contents that are `present` those that pass. Absent where the filter is empty.
std::optional<Passing> FindPassing(const Database& database, const SearchFilter& filter,
                                   const ContentFilter& present);

}  // namespace siglip
