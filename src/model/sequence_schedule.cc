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

int64_t CountRows(std::span<const int64_t> sequences, std::span<const int64_t> tokens) {
  int64_t rows = 0;
  for (const int64_t i : sequences) rows += tokens[static_cast<size_t>(i)];
  return rows;
}

/// Puts each sequence into the group that has the fewest rows so far; returns those from the first
/// one on that would make that longer than `rows_per_pass`.
std::span<const int64_t> Fill(std::span<const int64_t> sequences, std::span<const int64_t> tokens,
                              int64_t rows_per_pass, std::vector<std::vector<int64_t>>& groups) {
  using RowsOfGroup = std::pair<int64_t, size_t>;
  std::priority_queue<RowsOfGroup, std::vector<RowsOfGroup>, std::greater<>> shortest;
  for (size_t group = 0; group < groups.size(); ++group) shortest.emplace(0, group);
  for (size_t next = 0; next < sequences.size(); ++next) {
    const int64_t count = tokens[static_cast<size_t>(sequences[next])];
    const auto [rows, group] = shortest.top();
    if (rows > 0 && rows + count > rows_per_pass) return sequences.subspan(next);
    shortest.pop();
    groups[group].push_back(sequences[next]);
    shortest.emplace(rows + count, group);
  }
  return {};
}

/// `sequences` come with the longest first. As few groups as hold them, as many for each thread.
std::vector<std::vector<int64_t>> Group(std::span<const int64_t> sequences,
                                        std::span<const int64_t> tokens, int threads,
                                        int64_t rows_per_pass) {
  std::vector<std::vector<int64_t>> groups;
  const int64_t rows_of_round = threads * rows_per_pass;
  int64_t rounds = 0;
  for (std::span<const int64_t> left = sequences; !left.empty();) {
    rounds += (CountRows(left, tokens) + rows_of_round - 1) / rows_of_round;
    groups.assign(static_cast<size_t>(std::min(rounds * threads, std::ssize(sequences))), {});
    left = Fill(sequences, tokens, rows_per_pass, groups);
  }
  return groups;
}

SequenceSchedule ScheduleOf(const LayerContext& context, std::span<const int64_t> tokens) {
  std::vector<double> costs;
  for (const int64_t count : tokens) costs.push_back(CostOf(context.config, count));
  return ScheduleSequences(tokens, costs, ComputeRuntime::From(*context.runtime).threads(),
                           RowsPerPass(context.precision));
}

}  // namespace

int64_t RowsPerPass(Precision precision) { return precision == Precision::kInt8 ? 256 : 512; }

SequenceSchedule ScheduleSequences(std::span<const int64_t> tokens, std::span<const double> costs,
                                   int threads, int64_t rows_per_pass) {
  std::vector<int64_t> order(costs.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](int64_t i) { return costs[static_cast<size_t>(i)]; });
  std::vector<double> sorted;
  for (const int64_t i : order) sorted.push_back(costs[static_cast<size_t>(i)]);
  const std::span all(order);
  const size_t together = CountTogether(sorted, threads);
  return {{all.begin(), all.begin() + static_cast<std::ptrdiff_t>(together)},
          Group(all.subspan(together), tokens, threads, rows_per_pass)};
}

int64_t CountPasses(const LayerContext& context, int64_t count, int64_t tokens) {
  const SequenceSchedule schedule =
      ScheduleOf(context, std::vector<int64_t>(static_cast<size_t>(count), tokens));
  return std::ssize(schedule.together) + std::ssize(schedule.alone);
}

void ForEachGroup(const LayerContext& context, std::span<const int64_t> tokens,
                  const std::function<void(std::span<const int64_t>, Workspace&)>& work) {
  ThreadPool& pool = ComputeRuntime::From(*context.runtime).pool();
  const SequenceSchedule schedule = ScheduleOf(context, tokens);
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
