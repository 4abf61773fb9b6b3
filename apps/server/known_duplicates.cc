#include "server/known_duplicates.h"

#include <utility>

namespace siglip::server {
namespace {

uint64_t BytesOf(const std::vector<DuplicateGroup>& groups) {
  uint64_t bytes = 0;
  for (const DuplicateGroup& group : groups) {
    bytes += sizeof(group);
    for (const DuplicateFile& file : group.files) bytes += sizeof(file) + file.path.capacity();
  }
  return bytes;
}

}  // namespace

const std::vector<DuplicateGroup>& KnownDuplicates::Find(ServedIndex& served,
                                                         const DuplicateOptions& options,
                                                         MemoryBudget& budget) {
  constexpr uint64_t kPartOfBudget = 8;
  const Index& index = served.Current();
  // Before they are found: should the index change meanwhile, the next call sees that.
  const std::string state = served.State();
  if (!state_.empty() && state == state_ && options.kind == options_.kind &&
      options.threshold == options_.threshold) {
    return groups_;
  }
  state_.clear();
  groups_.clear();
  memory_ = {};
  if (index.space()) groups_ = index.FindDuplicates(options);
  const uint64_t bytes = BytesOf(groups_);
  if (bytes > budget.capacity() / kPartOfBudget) return groups_;
  if (auto memory = budget.Reserve(bytes)) {
    memory_ = *std::move(memory);
    options_ = options;
    state_ = state;
  }
  return groups_;
}

}  // namespace siglip::server
