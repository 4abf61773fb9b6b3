// See picture_schedule.h.
#include "model/picture_schedule.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <queue>

namespace siglip {
namespace {

// Of the speed of threads that work alone, what is left when they meet in every layer.
constexpr double kTogetherSpeed = 0.9;

/// When the last of `threads` is done, if each picture goes to the thread that is free first.
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

/// In proportion to the multiplications of a picture: linear layers, then attention.
double CostOf(const SiglipEncoderConfig& config, int64_t tokens) {
  const auto t = static_cast<double>(tokens);
  const auto d = static_cast<double>(config.hidden_size);
  const auto f = static_cast<double>(config.intermediate_size);
  return t * (2 * d + f + t);
}

}  // namespace

PictureSchedule SchedulePictures(std::span<const double> costs, int threads) {
  std::vector<int64_t> order(costs.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](int64_t i) { return costs[static_cast<size_t>(i)]; });
  std::vector<double> sorted;
  for (const int64_t i : order) sorted.push_back(costs[static_cast<size_t>(i)]);

  const size_t most = std::min(order.size(), static_cast<size_t>(threads));
  size_t best = 0;
  double best_time = TimeAlone(sorted, threads);
  double together = 0;
  for (size_t count = 1; count <= most && threads > 1; ++count) {
    together += sorted[count - 1] / (threads * kTogetherSpeed);
    const double time = together + TimeAlone(std::span(sorted).subspan(count), threads);
    if (time < best_time) {
      best = count;
      best_time = time;
    }
  }
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(best);
  return {{order.begin(), middle}, {middle, order.end()}};
}

void ForEachPictureBySize(const LayerContext& context, std::span<const int64_t> tokens,
                          const std::function<void(int64_t, Workspace&)>& work) {
  ThreadPool& pool = ComputeRuntime::From(*context.runtime).pool();
  std::vector<double> costs;
  for (const int64_t count : tokens) costs.push_back(CostOf(context.config, count));
  const PictureSchedule schedule = SchedulePictures(costs, pool.threads());
  const auto tokens_of = [&](int64_t picture) { return tokens[static_cast<size_t>(picture)]; };
  {
    SizedWorkspace team(context, pool.threads());
    for (const int64_t picture : schedule.together) {
      TeamWorkspace& workspace = team.For(tokens_of(picture));
      pool.Run([&](int rank) { work(picture, workspace.member(rank)); });
    }
  }
  if (schedule.alone.empty()) return;
  std::atomic<size_t> next = 0;
  pool.Run([&](int) {
    SizedWorkspace own(context, 1);
    for (size_t i = next++; i < schedule.alone.size(); i = next++) {
      const int64_t picture = schedule.alone[i];
      work(picture, own.For(tokens_of(picture)).member(0));
    }
  });
}

}  // namespace siglip
