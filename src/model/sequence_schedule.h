// How pictures and texts of one call are shared among threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/workspace.h"

namespace siglip {

/// Up to how many rows a thread takes sequences through the layers together, so that they share a
/// pass over the weights; beyond that, one more hardly saves anything. Measured, see
/// docs/performance.md: weights of bytes are read so quickly that larger passes cost more in caches
/// on some CPUs.
int64_t RowsPerPass(Precision precision);

struct SequenceSchedule {
  /// First these, one by one, each computed by all threads together.
  std::vector<int64_t> together;
  /// Then these groups, each by one thread, handed out to free threads in this order. Sequences of
  /// a group share a pass over the weights.
  std::vector<std::vector<int64_t>> alone;
};

/// One sequence per thread costs no meeting points, but the last thread keeps all others waiting:
/// so the longest are handed out first, and as many of them are computed together as shortens the
/// whole. The others are grouped up to `rows_per_pass`, evenly, and never so that a thread would
/// have nothing to do. `tokens` and `costs` (the estimated work) are those of each sequence.
SequenceSchedule ScheduleSequences(std::span<const int64_t> tokens, std::span<const double> costs,
                                   int threads, int64_t rows_per_pass);

/// How many passes over the weights ForEachGroup makes of `count` sequences of `tokens` each.
int64_t CountPasses(const LayerContext& context, int64_t count, int64_t tokens);

/// Calls work(group, workspace) so that every sequence [0, tokens.size()) is in one group, which is
/// done once by each member of one team. The group's sequences are laid out in the workspace in
/// this order. Which they are, and who computes them, has no influence on any result.
void ForEachGroup(
    const LayerContext& context, std::span<const int64_t> tokens,
    const std::function<void(std::span<const int64_t> group, Workspace& workspace)>& work);

}  // namespace siglip
