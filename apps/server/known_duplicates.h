// The duplicates that were found last, of which clients show page after page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/http/memory_budget.h"
#include "server/served_index.h"
#include "siglip/index.hpp"

namespace siglip::server {

/// Used by one thread.
class KnownDuplicates {
 public:
  /// Those of the index, found anew where it has changed or `options` are others than the last
  /// time. They are kept for the next call if they take no more than an eighth of the budget and
  /// that is free. Throws as Index does. Valid until the next call.
  const std::vector<DuplicateGroup>& Find(ServedIndex& served, const DuplicateOptions& options,
                                          MemoryBudget& budget);

 private:
  std::string state_;  // of the index; empty: none are known
  DuplicateOptions options_;
  std::vector<DuplicateGroup> groups_;
  Reservation memory_;
};

}  // namespace siglip::server
