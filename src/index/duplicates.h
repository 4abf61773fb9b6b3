// Which files of an index are duplicates of others.
#pragma once

#include <vector>

#include "index/database.h"
#include "kernels/compute_runtime.h"
#include "siglip/index.hpp"

namespace siglip {

/// Index::FindDuplicates, within one ReadTransaction.
std::vector<DuplicateGroup> FindDuplicates(const Database& database, const ComputeRuntime& runtime,
                                           const DuplicateOptions& options);

}  // namespace siglip
