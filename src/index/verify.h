// Whether an index is sound.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "index/database.h"

namespace siglip {

/// See Index::Verify. Within one ReadTransaction.
std::vector<std::string> VerifyIndex(const Database& database, const std::filesystem::path& folder);

}  // namespace siglip
