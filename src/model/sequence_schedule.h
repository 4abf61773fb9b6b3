// How pictures and texts of one call are shared among threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/workspace.h"

namespace siglip {

/// Rows after which one more sequence in the same pass hardly saves anything: by then the products
/// take longer than reading the weights does.
inline constexpr int64_t kGroupRows = 256;

struct SequenceSchedule {
  /// First these, one by one, each computed by all threads together.
  std::vector<int64_t> together;
  /// Then these groups, each by one thread, handed out to free threads in this order. Sequences of
  /// a group share a pass over the weights.
  std::vector<std::vector<int64_t>> alone;
};

/// One sequence per thread costs no meeting points, but the last thread keeps all others waiting:
/// so the longest are handed out first, and as many of them are computed together as shortens the
/// whole. Short ones are grouped up to about kGroupRows, evenly, and never so that a thread would
/// have nothing to do. `tokens` and `costs` (the estimated work) are those of each sequence.
SequenceSchedule ScheduleSequences(std::span<const int64_t> tokens, std::span<const double> costs,
                                   int threads);

/// Calls work(group, workspace) so that every sequence [0, tokens.size()) is in one group, which is
/// done once by each member of one team. The group's sequences are laid out in the workspace in
/// this order. Which they are, and who computes them, has no influence on any result.
void ForEachGroup(
    const LayerContext& context, std::span<const int64_t> tokens,
    const std::function<void(std::span<const int64_t> group, Workspace& workspace)>& work);

}  // namespace siglip
