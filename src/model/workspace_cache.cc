#include "model/workspace_cache.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/compute_runtime.h"

namespace siglip {

std::shared_ptr<WorkspaceCache> NewWorkspaceCache() { return std::make_shared<WorkspaceCache>(); }

std::unique_ptr<TeamWorkspace> WorkspaceCache::Take(const LayerContext& context, int64_t rows,
                                                    int threads) {
  std::unique_ptr<TeamWorkspace> too_small;  // released before the new one takes memory
  {
    const std::lock_guard lock(mutex_);
    // The smallest with room: a picture should not occupy what a larger one needs. Where none has,
    // the largest gives way.
    auto best = kept_.end();
    for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
      if ((*kept)->threads() != threads) continue;
      if (best == kept_.end()) {
        best = kept;
        continue;
      }
      const bool fits = (*kept)->rows() >= rows;
      const bool best_fits = (*best)->rows() >= rows;
      const bool is_smaller = (*kept)->rows() < (*best)->rows();
      if (fits ? !best_fits || is_smaller : !best_fits && !is_smaller) best = kept;
    }
    if (best != kept_.end()) {
      std::unique_ptr<TeamWorkspace> workspace = std::move(*best);
      kept_.erase(best);
      if (workspace->rows() >= rows) return workspace;
      too_small = std::move(workspace);
    }
  }
  too_small.reset();
  return std::make_unique<TeamWorkspace>(context, rows, threads);
}

void WorkspaceCache::Put(const LayerContext& context, std::unique_ptr<TeamWorkspace> workspace) {
  const auto most = static_cast<size_t>(ComputeRuntime::From(*context.runtime).threads()) + 1;
  const std::lock_guard lock(mutex_);
  if (kept_.size() == most) kept_.erase(kept_.begin());
  kept_.push_back(std::move(workspace));
}

size_t WorkspaceCache::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

BorrowedWorkspace::~BorrowedWorkspace() {
  if (workspace_) context_.workspaces->Put(context_, std::move(workspace_));
}

TeamWorkspace& BorrowedWorkspace::For(std::span<const int64_t> tokens) {
  const int64_t rows = std::accumulate(tokens.begin(), tokens.end(), int64_t{0});
  if (workspace_ && workspace_->rows() < rows) {
    context_.workspaces->Put(context_, std::move(workspace_));
  }
  if (!workspace_) workspace_ = context_.workspaces->Take(context_, rows, threads_);
  workspace_->Lay(tokens);
  return *workspace_;
}

}  // namespace siglip
