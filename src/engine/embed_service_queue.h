// Which items of a service are begun next.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "siglip/embed_service.hpp"

namespace siglip {

enum class ItemKind : size_t { kPicture, kText };
inline constexpr size_t kItemKinds = 2;

/// Numbers of items, by kind.
struct ItemCounts {
  double pictures = 0;
  double texts = 0;

  ItemCounts& operator+=(const ItemCounts& more) {
    pictures += more.pictures;
    texts += more.texts;
    return *this;
  }
  ItemCounts operator*(double factor) const { return {pictures * factor, texts * factor}; }
  double sum() const { return pictures + texts; }
};

ItemKind KindOf(const ServiceItem& item);
ItemCounts CountItems(const ServiceRequest& request);

struct QueuedRequest {
  using Clock = std::chrono::steady_clock;

  QueuedRequest(ServiceRequest request, Clock::time_point since);

  size_t waiting_items() const { return waiting[0].size() + waiting[1].size(); }

  ServiceRequest request;
  const Clock::time_point since;
  /// Items that nobody has begun, of each kind, in their order.
  std::array<std::deque<size_t>, kItemKinds> waiting;
};

/// An item that is begun.
struct TakenItem {
  std::shared_ptr<QueuedRequest> request;
  ServiceResult result;       ///< Says which item it is.
  double thread_seconds = 0;  ///< What it took, shared among those computed together.
};

/// Searches go before the bulk, but at most 8 of them before one item of it. Requests of a class
/// take turns, item by item. Not to be used by several threads at once.
class EmbedServiceQueue {
 public:
  using Clock = QueuedRequest::Clock;

  /// How many items of each kind may be computed together, at least one.
  explicit EmbedServiceQueue(const std::array<size_t, kItemKinds>& most_together = {1, 1})
      : most_together_(most_together) {}

  void Add(std::shared_ptr<QueuedRequest> request);
  /// What a worker does next: an item, and more of the same kind and class to compute together with
  /// it; not so many that others of the `idle` workers, that one included, would have none. Empty
  /// when nothing waits.
  std::vector<TakenItem> Take(size_t idle);
  /// Forgets the items of the request that nobody has begun, and returns them: to release what they
  /// hold may take a while.
  std::vector<ServiceItem> Drop(QueuedRequest& request);
  /// Takes all there is.
  std::vector<TakenItem> TakeAll();

  /// Items that nobody has begun.
  size_t size() const { return size(ServiceClass::kSearch) + size(ServiceClass::kBulk); }
  size_t size(ServiceClass service_class) const;
  /// The same, by kind.
  ItemCounts Waiting(ServiceClass service_class) const;
  /// What would be begun before the last of `items` new ones of a request of this class.
  ItemCounts Ahead(ServiceClass service_class, size_t items) const;
  /// Since when the oldest item waits; `now` when there is none.
  Clock::time_point OldestSince(Clock::time_point now) const;

 private:
  struct Class {
    std::list<std::shared_ptr<QueuedRequest>> requests;  // whose turn it is, in front
    std::array<size_t, kItemKinds> waiting = {};         // items of all of them

    size_t size() const { return waiting[0] + waiting[1]; }
    ItemCounts Share(size_t items) const;
  };

  Class& Of(ServiceClass service_class) { return classes_[static_cast<size_t>(service_class)]; }
  const Class& Of(ServiceClass service_class) const {
    return classes_[static_cast<size_t>(service_class)];
  }
  std::vector<TakenItem> TakeOf(Class& from, ItemKind kind, size_t count);

  const std::array<size_t, kItemKinds> most_together_;
  std::array<Class, 2> classes_;
  size_t searches_ = 0;  // begun since one of the bulk was, or began to wait
};

}  // namespace siglip
