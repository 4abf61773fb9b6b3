// What a service has done, and how long it takes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <span>

#include "engine/embed_service_queue.h"
#include "siglip/embed_service.hpp"

namespace siglip {

/// Not to be used by several threads at once.
class EmbedServiceTotals {
 public:
  using Clock = std::chrono::steady_clock;

  /// Items that are queued in an idle service.
  void Begin(Clock::time_point now) { last_progress_ = now; }
  /// Items of one kind that are done.
  void Add(Clock::time_point now, ItemKind kind, std::span<const TakenItem> done);

  /// Expected for these, in seconds of one thread.
  double SecondsFor(const ItemCounts& items) const {
    return items.pictures * mean_[0].seconds + items.texts * mean_[1].seconds;
  }
  /// Fills in all but what is queued and begun, of which `is_idle` says whether there is any.
  void Describe(Clock::time_point now, bool is_idle, ServiceStatus& status) const;

 private:
  /// Of the last items, the older the less they count.
  struct Mean {
    double seconds = 0;
    double items = 0;

    void Add(double more);
  };

  std::array<ServiceCounts, kItemKinds> counts_;
  std::array<Mean, kItemKinds> mean_;
  ServiceStage queue_;
  ServiceStage prepare_;
  ServiceStage compute_;
  Clock::time_point last_progress_;
};

}  // namespace siglip
