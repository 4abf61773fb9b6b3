// See sequence_schedule.h.
#include "model/sequence_schedule.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <queue>

#include "kernels/compute_runtime.h"
#include "model/workspace_cache.h"

namespace siglip {
namespace {

// Of the speed of threads that work alone, what is left when they meet in every layer.
constexpr double kTogetherSpeed = 0.9;

/// When the last of `threads` is done, if each one goes to the thread that is free first.
double TimeAlone(std::span<const double> costs, int threads) {
  std::priority_queue<double, std::vector<double>, std::greater<>> busy_until(
      std::greater<>(), std::vector<double>(static_cast<size_t>(threads), 0.0));
  double last = 0;
  for (const double cost : costs) {
    const double end = busy_until.top() + cost;
    busy_until.pop();
    busy_until.push(end);
    last = std::max(last, end);
  }
  return last;
}

/// In proportion to the multiplications of a sequence: linear layers, then attention.
double CostOf(const SiglipEncoderConfig& config, int64_t tokens) {
  const auto t = static_cast<double>(tokens);
  const auto d = static_cast<double>(config.hidden_size);
  const auto f = static_cast<double>(config.intermediate_size);
  return t * (2 * d + f + t);
}

/// How many of the sequences, in this order, are better computed by all threads together.
size_t CountTogether(std::span<const double> costs, int threads) {
  const size_t most = std::min(costs.size(), static_cast<size_t>(threads));
  size_t best = 0;
  double best_time = TimeAlone(costs, threads);
  double together = 0;
  for (size_t count = 1; count <= most && threads > 1; ++count) {
    together += costs[count - 1] / (threads * kTogetherSpeed);
    const double time = together + TimeAlone(costs.subspan(count), threads);
    if (time < best_time) {
      best = count;
      best_time = time;
    }
  }
  return best;
}

/// `sequences` come with the longest first. As many groups for every thread as keep them near
/// kGroupRows; each sequence goes to the group that is shortest so far, if it fits.
std::vector<std::vector<int64_t>> Group(std::span<const int64_t> sequences,
                                        std::span<const int64_t> tokens, int threads) {
  int64_t rows = 0;
  for (const int64_t i : sequences) rows += tokens[static_cast<size_t>(i)];
  const int64_t rounds =
      std::max<int64_t>(1, (rows + threads * kGroupRows - 1) / (threads * kGroupRows));
  std::vector<std::vector<int64_t>> groups;
  using RowsOfGroup = std::pair<int64_t, size_t>;
  std::priority_queue<RowsOfGroup, std::vector<RowsOfGroup>, std::greater<>> shortest;
  for (const int64_t i : sequences) {
    const int64_t count = tokens[static_cast<size_t>(i)];
    const bool is_new =
        std::ssize(groups) < rounds * threads || shortest.top().first + count > kGroupRows;
    if (is_new) {
      shortest.emplace(count, groups.size());
      groups.push_back({i});
      continue;
    }
    const auto [group_rows, group] = shortest.top();
    shortest.pop();
    groups[group].push_back(i);
    shortest.emplace(group_rows + count, group);
  }
  return groups;
}

}  // namespace

SequenceSchedule ScheduleSequences(std::span<const int64_t> tokens, std::span<const double> costs,
                                   int threads) {
  std::vector<int64_t> order(costs.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](int64_t i) { return costs[static_cast<size_t>(i)]; });
  std::vector<double> sorted;
  for (const int64_t i : order) sorted.push_back(costs[static_cast<size_t>(i)]);
  const std::span all(order);
  const size_t together = CountTogether(sorted, threads);
  return {{all.begin(), all.begin() + static_cast<std::ptrdiff_t>(together)},
          Group(all.subspan(together), tokens, threads)};
}

void ForEachGroup(const LayerContext& context, std::span<const int64_t> tokens,
                  const std::function<void(std::span<const int64_t>, Workspace&)>& work) {
  ThreadPool& pool = ComputeRuntime::From(*context.runtime).pool();
  std::vector<double> costs;
  for (const int64_t count : tokens) costs.push_back(CostOf(context.config, count));
  const SequenceSchedule schedule = ScheduleSequences(tokens, costs, pool.threads());
  const auto tokens_of = [&](std::span<const int64_t> group) {
    std::vector<int64_t> counts;
    for (const int64_t i : group) counts.push_back(tokens[static_cast<size_t>(i)]);
    return counts;
  };
  {
    BorrowedWorkspace team(context, pool.threads());
    for (size_t i = 0; i < schedule.together.size(); ++i) {
      const std::span group(&schedule.together[i], 1);
      TeamWorkspace& workspace = team.For(tokens_of(group));
      pool.Run([&](int rank) { work(group, workspace.member(rank)); });
    }
  }
  if (schedule.alone.empty()) return;
  std::atomic<size_t> next = 0;
  pool.Run([&](int) {
    BorrowedWorkspace own(context, 1);
    for (size_t i = next++; i < schedule.alone.size(); i = next++) {
      const std::vector<int64_t>& group = schedule.alone[i];
      work(group, own.For(tokens_of(group)).member(0));
    }
  });
}

}  // namespace siglip
