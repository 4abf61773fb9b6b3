// What an index knows of single contents.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "index/database.h"
#include "siglip/index.hpp"

namespace siglip {

/// See Index::Content.
std::optional<IndexedContent> ReadContent(const Database& database, int64_t id);

/// See Index::HasContent.
bool HasContent(const Database& database, std::string_view hash);

}  // namespace siglip
