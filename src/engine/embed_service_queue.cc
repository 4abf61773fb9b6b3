#include "engine/embed_service_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace siglip {
namespace {

constexpr size_t kSearchesPerBulkItem = 8;

size_t Number(ItemKind kind) { return static_cast<size_t>(kind); }

/// Of a request that has one: the kind of its first item.
ItemKind NextKind(const QueuedRequest& request) {
  const auto& [pictures, texts] = request.waiting;
  if (pictures.empty()) return ItemKind::kText;
  return texts.empty() || pictures.front() < texts.front() ? ItemKind::kPicture : ItemKind::kText;
}

ItemCounts WaitingOf(const std::array<size_t, kItemKinds>& waiting) {
  return {static_cast<double>(waiting[0]), static_cast<double>(waiting[1])};
}

/// As many of them, but no more than there are, in this proportion.
ItemCounts AtMost(const ItemCounts& counts, double items) {
  return counts.sum() <= items ? counts : counts * (items / counts.sum());
}

}  // namespace

ItemKind KindOf(const ServiceItem& item) {
  return std::holds_alternative<Picture>(item.input) ? ItemKind::kPicture : ItemKind::kText;
}

ItemCounts CountItems(const ServiceRequest& request) {
  const auto texts = std::ranges::count(request.items, ItemKind::kText, KindOf);
  return {static_cast<double>(std::ssize(request.items) - texts), static_cast<double>(texts)};
}

QueuedRequest::QueuedRequest(ServiceRequest submitted, Clock::time_point now)
    : request(std::move(submitted)), since(now) {
  for (size_t i = 0; i < request.items.size(); ++i) {
    waiting[Number(KindOf(request.items[i]))].push_back(i);
  }
}

void EmbedServiceQueue::Add(std::shared_ptr<QueuedRequest> request) {
  Class& into = Of(request->request.service_class);
  if (request->waiting_items() == 0) return;
  into.requests.push_back(request);
  for (size_t kind = 0; kind < kItemKinds; ++kind) {
    into.waiting[kind] += request->waiting[kind].size();
  }
}

std::vector<TakenItem> EmbedServiceQueue::Take(size_t idle) {
  Class& searches = Of(ServiceClass::kSearch);
  Class& bulk = Of(ServiceClass::kBulk);
  if (bulk.size() == 0) searches_ = 0;
  const bool takes_bulk =
      searches.size() == 0 || (bulk.size() > 0 && searches_ >= kSearchesPerBulkItem);
  Class& from = takes_bulk ? bulk : searches;
  if (from.size() == 0) return {};

  const ItemKind kind = NextKind(*from.requests.front());
  const size_t share = (from.waiting[Number(kind)] + idle - 1) / std::max<size_t>(idle, 1);
  size_t count = std::clamp<size_t>(share, 1, most_together_[Number(kind)]);
  if (takes_bulk) {
    searches_ = 0;
    if (searches.size() > 0) count = 1;
  } else if (bulk.size() > 0) {
    count = std::min(count, kSearchesPerBulkItem - searches_);
    searches_ += count;
  }
  return TakeOf(from, kind, count);
}

// There are as many.
std::vector<TakenItem> EmbedServiceQueue::TakeOf(Class& from, ItemKind kind, size_t count) {
  std::vector<TakenItem> taken;
  taken.reserve(count);  // so that none is lost for want of memory
  auto& requests = from.requests;
  auto next = requests.begin();
  while (taken.size() < count) {
    if (next == requests.end()) next = requests.begin();
    const auto turn = next++;
    auto& waiting = (*turn)->waiting[Number(kind)];
    if (waiting.empty()) continue;
    TakenItem& item = taken.emplace_back();
    item.request = *turn;
    item.result.item = waiting.front();
    waiting.pop_front();
    --from.waiting[Number(kind)];
    if (item.request->waiting_items() == 0) {
      requests.erase(turn);
    } else {
      requests.splice(requests.end(), requests, turn);
    }
  }
  return taken;
}

std::vector<ServiceItem> EmbedServiceQueue::Drop(QueuedRequest& request) {
  Class& from = Of(request.request.service_class);
  const auto found =
      std::ranges::find(from.requests, &request, [](const auto& queued) { return queued.get(); });
  std::vector<ServiceItem> dropped;
  if (found == from.requests.end()) return dropped;
  dropped.reserve(request.waiting_items());
  for (size_t kind = 0; kind < kItemKinds; ++kind) {
    for (const size_t i : request.waiting[kind]) {
      dropped.push_back(std::move(request.request.items[i]));
    }
    from.waiting[kind] -= request.waiting[kind].size();
    request.waiting[kind].clear();
  }
  from.requests.erase(found);
  return dropped;
}

std::vector<TakenItem> EmbedServiceQueue::TakeAll() {
  std::vector<TakenItem> all;
  for (Class& from : classes_) {
    for (const ItemKind kind : {ItemKind::kPicture, ItemKind::kText}) {
      std::ranges::move(TakeOf(from, kind, from.waiting[Number(kind)]), std::back_inserter(all));
    }
  }
  return all;
}

size_t EmbedServiceQueue::size(ServiceClass service_class) const {
  return Of(service_class).size();
}

ItemCounts EmbedServiceQueue::Waiting(ServiceClass service_class) const {
  return WaitingOf(Of(service_class).waiting);
}

/// What goes ahead of `items` new ones of the same class: of each request as many, as they take
/// turns.
ItemCounts EmbedServiceQueue::Class::Share(size_t items) const {
  ItemCounts ahead;
  for (const auto& request : requests) {
    const ItemCounts own = WaitingOf({request->waiting[0].size(), request->waiting[1].size()});
    ahead += AtMost(own, static_cast<double>(items));
  }
  return ahead;
}

ItemCounts EmbedServiceQueue::Ahead(ServiceClass service_class, size_t items) const {
  const Class& searches = Of(ServiceClass::kSearch);
  const ItemCounts bulk = Waiting(ServiceClass::kBulk);
  if (service_class == ServiceClass::kSearch) {
    ItemCounts ahead = searches.Share(items);
    ahead += AtMost(bulk, ahead.sum() / kSearchesPerBulkItem);
    return ahead;
  }
  ItemCounts ahead = Of(ServiceClass::kBulk).Share(items);
  ahead += Waiting(ServiceClass::kSearch);
  return ahead;
}

EmbedServiceQueue::Clock::time_point EmbedServiceQueue::OldestSince(Clock::time_point now) const {
  Clock::time_point oldest = now;
  for (const Class& each : classes_) {
    for (const auto& request : each.requests) oldest = std::min(oldest, request->since);
  }
  return oldest;
}

}  // namespace siglip
