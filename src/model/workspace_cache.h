// Workspaces of earlier calls.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/fork_handler.h"
#include "model/workspace.h"

namespace siglip {

/// Workspaces that no call uses now. To get memory from the system and to have it cleared takes
/// some hundredths of the time of a picture. Safe to use from several threads.
class WorkspaceCache {
 public:
  /// A kept one with room for `rows` tokens, or a new one. `context` is that of the tower whose
  /// cache this is.
  std::unique_ptr<TeamWorkspace> Take(const LayerContext& context, int64_t rows, int threads);
  /// Keeps it for the next Take; as many as all threads at work on pictures of their own and then
  /// together on one may need.
  void Put(const LayerContext& context, std::unique_ptr<TeamWorkspace> workspace);
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<TeamWorkspace>> kept_;  // in the order they came
  ForkHandler fork_handler_{[this] {
    if (MakeLockAnew(mutex_)) MakeAnew(kept_);
  }};
};

/// One out of the tower's cache, and back into it in the end.
class BorrowedWorkspace {
 public:
  /// `context` must outlive this object.
  BorrowedWorkspace(const LayerContext& context, int threads)
      : context_(context), threads_(threads) {}
  BorrowedWorkspace(const BorrowedWorkspace&) = delete;
  BorrowedWorkspace& operator=(const BorrowedWorkspace&) = delete;
  ~BorrowedWorkspace();

  /// With sequences of these lengths laid out. What it returned before is not to be used any more.
  TeamWorkspace& For(std::span<const int64_t> tokens);

 private:
  const LayerContext& context_;
  const int threads_;
  std::unique_ptr<TeamWorkspace> workspace_;
};

}  // namespace siglip
