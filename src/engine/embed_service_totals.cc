#include "engine/embed_service_totals.h"

#include <algorithm>

namespace siglip {
namespace {

constexpr double kItemsOfMean = 32;
constexpr double kStuckSeconds = 30;

void AddTo(ServiceStage& stage, double seconds) {
  ++stage.items;
  stage.seconds += seconds;
}

}  // namespace

void EmbedServiceTotals::Mean::Add(double more) {
  items = std::min(items + 1, kItemsOfMean);
  seconds += (more - seconds) / items;
}

void EmbedServiceTotals::Add(Clock::time_point now, ItemKind kind,
                             std::span<const TakenItem> done) {
  last_progress_ = now;
  for (const TakenItem& item : done) {
    const ServiceResult& result = item.result;
    ServiceCounts& counts = counts_[static_cast<size_t>(kind)];
    AddTo(queue_, result.queue_seconds);
    AddTo(prepare_, result.prepare_seconds);
    if (result.compute_seconds > 0) AddTo(compute_, result.compute_seconds);
    ++(result.error ? counts.failed : counts.finished);
    // What fails early says nothing about the next ones.
    if (!result.error) mean_[static_cast<size_t>(kind)].Add(item.thread_seconds);
  }
}

void EmbedServiceTotals::Describe(Clock::time_point now, bool is_idle,
                                  ServiceStatus& status) const {
  status.pictures = counts_[0];
  status.texts = counts_[1];
  status.queue = queue_;
  status.prepare = prepare_;
  status.compute = compute_;
  status.seconds_per_picture = mean_[0].seconds;
  status.seconds_per_text = mean_[1].seconds;
  if (!is_idle) status.silence = std::chrono::duration<double>(now - last_progress_).count();
  status.stuck = status.silence > kStuckSeconds;
}

}  // namespace siglip
