#include "engine/embed_service_workers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/current_error.h"
#include "engine/lap.h"
#include "siglip/checkpoint.hpp"

namespace siglip {
namespace {

void CheckOptions(const EmbedServiceOptions& options) {
  if (options.queue < 1) {
    throw Error(ErrorCode::kInvalidArgument, "queue: expected at least 1, found 0");
  }
  if (!(options.max_wait.count() >= 0)) {
    throw Error(ErrorCode::kInvalidArgument, "max_wait: expected 0 or more seconds, found " +
                                                 std::to_string(options.max_wait.count()));
  }
}

DecodeOptions WithLimits(DecodeOptions decode, const std::optional<DecodeLimits>& limits) {
  if (limits) decode.limits = *limits;
  return decode;
}

void CheckRequest(const ServiceRequest& request, const EmbedServiceOptions& options) {
  if (request.items.empty() || !request.done) {
    throw Error(ErrorCode::kInvalidArgument,
                "request: expected at least one item and whom to tell of it");
  }
  if (request.items.size() > options.queue) {
    throw Error(ErrorCode::kLimitExceeded, "request: expected at most " +
                                               std::to_string(options.queue) + " items, found " +
                                               std::to_string(request.items.size()));
  }
}

/// What `get` throws.
template <typename Get>
Error ErrorOf(const Get& get) {
  try {
    get();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "a part of the model is there and is not"};
}

void Tell(TakenItem& item) {
  try {
    item.request->request.done(std::move(item.result));
  } catch (...) {  // a worker has nobody to tell
  }
}

ServiceItem& ItemOf(TakenItem& item) { return item.request->request.items[item.result.item]; }

// Someone waits for each item: only where one more saves much does the first wait for it, too.
constexpr int64_t kRowsTogether = 256;

size_t GroupOf(int64_t tokens) {
  return static_cast<size_t>(std::max<int64_t>(1, kRowsTogether / tokens));
}

}  // namespace

EmbedService::Workers::Workers(Embedder embedder, const EmbedServiceOptions& options)
    : embedder_(std::move(embedder)),
      parts_(*embedder_.parts_),
      options_((CheckOptions(options), options)),
      decode_(WithLimits(parts_.options.decode, options_.limits)),
      admission_{EmbedServiceAdmission(options.max_wait), EmbedServiceAdmission(options.max_wait)},
      in_flight_(static_cast<size_t>(parts_.workers.threads())) {
  LoadTowers();
  shared_ = std::make_shared<Shared>(MostTogether());
  parts_.workers.Add(*this);
}

void EmbedService::Workers::LoadTowers() {
  ModelParts found;
  found.image_tower = true;  // of an embedder made of parts
  if (!parts_.folder.empty()) found = FindParts(parts_.folder);
  if (found.image_tower) {
    for (const bool normalize : {false, true}) {
      // NOLINTNEXTLINE(modernize-make-unique): it cannot be moved into what that makes
      pictures_[normalize ? 1 : 0].reset(new PictureEmbedder(
          parts_.Tower(), decode_, {.normalize = normalize}, parts_.name, parts_.seconds));
    }
  } else {
    no_pictures_ = ErrorOf([&] { parts_.Tower(); });
  }
  if (found.text_tower) {
    texts_ = &parts_.Texts();
  } else {
    no_texts_ = ErrorOf([&] { parts_.Texts(); });
  }
}

std::array<size_t, kItemKinds> EmbedService::Workers::MostTogether() const {
  return {no_pictures_ ? 1 : GroupOf(embedder_.most_tokens()),
          no_texts_ ? 1 : GroupOf(texts_->tokenizer().max_length())};
}

EmbedService::Workers::~Workers() {
  parts_.workers.Remove(*this);
  std::vector<TakenItem> left;
  {
    const std::lock_guard lock(shared_->mutex);
    left = shared_->queue.TakeAll();
    shared_->CountWork();
  }
  for (TakenItem& item : left) {
    item.result.error = Error(ErrorCode::kCancelled, "the service has come to its end");
    Tell(item);
  }
}

void EmbedService::Workers::ForgetThreads() {
  MakeAnew(shared_->mutex);
  MakeAnew(shared_->queue);  // what is in it is the parent's
  MakeAnew(in_flight_);
  shared_->has_work = false;
  forked_ = true;
}

std::variant<ServiceTicket, ServiceBusy> EmbedService::Workers::Submit(ServiceRequest request) {
  if (forked_) {
    throw Error(ErrorCode::kUnsupported, "a child of fork() cannot use a service of its parent");
  }
  CheckRequest(request, options_);
  const size_t count = request.items.size();
  const Clock::time_point now = Clock::now();
  std::shared_ptr<QueuedRequest> queued;
  {
    const std::lock_guard lock(shared_->mutex);
    if (const auto busy = Refuse(request, now)) return *busy;
    queued = std::make_shared<QueuedRequest>(std::move(request), now);
    if (!shared_->has_work) totals_.Begin(now);
    shared_->queue.Add(queued);
    shared_->CountWork();
  }
  const auto workers = static_cast<size_t>(parts_.workers.threads());
  for (size_t i = 0; i < std::min(count, workers); ++i) parts_.workers.Wake();
  return ServiceTicket([shared = std::weak_ptr(shared_), ticket = std::weak_ptr(queued)] {
    if (const auto there = shared.lock()) Cancel(*there, ticket);
  });
}

/// What to say to a request for which there is no time or no room.
std::optional<ServiceBusy> EmbedService::Workers::Refuse(const ServiceRequest& request,
                                                         Clock::time_point now) {
  using Seconds = EmbedServiceAdmission::Seconds;
  const EmbedServiceQueue& queue = shared_->queue;
  EmbedServiceAdmission& admission = admission_[static_cast<size_t>(request.service_class)];
  const auto seconds_for = [&](const ItemCounts& items) {
    return Seconds(totals_.SecondsFor(items) / parts_.workers.threads());
  };
  const size_t count = request.items.size();
  const size_t queued = queue.size(request.service_class);
  const bool has_room = queued + count <= options_.queue;
  const Seconds ahead = seconds_for(queue.Ahead(request.service_class, count));
  if (has_room && admission.Admits(ahead)) return std::nullopt;

  ServiceBusy busy;
  EmbedServiceAdmission::Refused refused = {.ahead = ahead,
                                            .own = seconds_for(CountItems(request))};
  const Seconds waiting = seconds_for(queue.Waiting(request.service_class));
  // Of the same items as now.
  refused.whole_queue = (waiting + refused.own) * static_cast<double>(options_.queue) /
                        static_cast<double>(queued + count);
  if (!has_room) {
    busy.reason = ServiceBusy::Reason::kQueueFull;
    refused.ahead = seconds_for(queue.Ahead(request.service_class, queued));
  }
  busy.retry_after = admission.Book(now, refused);
  return busy;
}

void EmbedService::Workers::Cancel(Shared& shared, const std::weak_ptr<QueuedRequest>& ticket) {
  // Released behind the lock, which workers wait for.
  const std::shared_ptr<QueuedRequest> request = ticket.lock();
  std::vector<ServiceItem> dropped;
  if (request == nullptr) return;
  const std::lock_guard lock(shared.mutex);
  dropped = shared.queue.Drop(*request);
  shared.CountWork();
}

bool EmbedService::Workers::Step(int worker) {
  std::vector<TakenItem> items = Take();
  if (items.empty()) return false;
  const ItemKind kind = KindOf(ItemOf(items.front()));
  Work(worker, kind, items);
  Finish(kind, items);
  for (TakenItem& item : items) Tell(item);
  return true;
}

std::vector<TakenItem> EmbedService::Workers::Take() {
  const std::lock_guard lock(shared_->mutex);
  std::vector<TakenItem> items;
  try {
    items = shared_->queue.Take(static_cast<size_t>(parts_.workers.threads() - busy_));
  } catch (const std::bad_alloc&) {  // of a few bytes: another worker may have more luck
  }
  if (items.empty()) return items;
  const Clock::time_point now = Clock::now();
  for (TakenItem& item : items) {
    item.result.queue_seconds = ToSeconds(now - item.request->since);
  }
  shared_->begun += items.size();
  ++busy_;
  return items;
}

void EmbedService::Workers::Work(int worker, ItemKind kind, std::span<TakenItem> items) {
  try {
    if (kind == ItemKind::kText) {
      EmbedTexts(worker, items);
    } else {
      for (const bool normalize : {false, true}) EmbedPictures(worker, items, normalize);
    }
  } catch (...) {
    const Error error = CurrentError(kind == ItemKind::kText ? "text" : "picture");
    for (TakenItem& item : items) {
      if (item.result.embedding.empty()) item.result.error = error;
    }
  }
}

/// Those of them that are to be normalised, or those that are not.
void EmbedService::Workers::EmbedPictures(int worker, std::span<TakenItem> items, bool normalize) {
  if (no_pictures_) {
    for (TakenItem& item : items) item.result.error = no_pictures_;
    return;
  }
  PictureEmbedder& embedder = *pictures_[normalize ? 1 : 0];
  std::vector<PictureInFlight>& in_flight = in_flight_[static_cast<size_t>(worker)];
  std::vector<TakenItem*> prepared;
  for (TakenItem& item : items) {
    if (item.request->request.normalize != normalize) continue;
    const Lap lap;
    if (in_flight.size() == prepared.size()) in_flight.emplace_back();
    PictureInFlight& picture = in_flight[prepared.size()];
    picture.result = {};
    picture.picture = std::move(std::get<Picture>(ItemOf(item).input));
    picture.result.name = picture.picture->name();
    embedder.Prepare(picture);
    picture.picture.reset();
    item.result.prepare_seconds = item.thread_seconds = lap.Seconds();
    item.result.error = std::move(picture.result.error);
    if (!item.result.error) prepared.push_back(&item);
  }
  if (prepared.empty()) return;

  const std::span group(in_flight.data(), prepared.size());
  const bool on_all_threads = group.size() == 1 && OthersAreIdle();
  const Lap lap;
  embedder.Compute(group, on_all_threads ? nullptr : &parts_.ForwardOf(worker));
  const double seconds = lap.Seconds();
  for (size_t i = 0; i < group.size(); ++i) {
    auto& [picture, pixels, computed] = group[i];
    ServiceResult& result = prepared[i]->result;
    result.compute_seconds = seconds;
    prepared[i]->thread_seconds += seconds * (on_all_threads ? parts_.workers.threads() : 1) /
                                   static_cast<double>(group.size());
    result.error = std::move(computed.error);
    if (result.error) continue;
    const std::span<const float> values = std::as_const(computed.embedding).floats();
    result.embedding.assign(values.begin(), values.end());
  }
}

void EmbedService::Workers::EmbedTexts(int worker, std::span<TakenItem> items) {
  if (no_texts_) {
    for (TakenItem& item : items) item.result.error = no_texts_;
    return;
  }
  std::vector<TextInFlight> group;
  std::vector<TakenItem*> prepared;
  for (TakenItem& item : items) {
    const Lap lap;
    TextInFlight text;
    text.normalize = item.request->request.normalize;
    texts_->Prepare(std::get<std::string>(ItemOf(item).input), text);
    item.result.prepare_seconds = item.thread_seconds = lap.Seconds();
    item.result.tokens = text.tokens;
    item.result.error = std::move(text.error);
    if (item.result.error) continue;
    group.push_back(std::move(text));
    prepared.push_back(&item);
  }
  if (prepared.empty()) return;

  const bool on_all_threads = group.size() == 1 && OthersAreIdle();
  const Lap lap;
  texts_->Compute(group, on_all_threads ? nullptr : &parts_.TextForwardOf(worker));
  const double seconds = lap.Seconds();
  for (size_t i = 0; i < group.size(); ++i) {
    ServiceResult& result = prepared[i]->result;
    result.compute_seconds = seconds;
    prepared[i]->thread_seconds += seconds * (on_all_threads ? parts_.workers.threads() : 1) /
                                   static_cast<double>(group.size());
    result.error = std::move(group[i].error);
    result.embedding = std::move(group[i].embedding);
  }
}

/// Whether nothing waits, here or in another call, and at most half of the workers have something.
bool EmbedService::Workers::OthersAreIdle() {
  const int workers = parts_.workers.threads();
  {
    const std::lock_guard lock(shared_->mutex);
    if (workers == 1 || shared_->queue.size() > 0 || busy_ > workers / 2) return false;
  }
  return parts_.workers.IsAlone(*this);
}

void EmbedService::Workers::Finish(ItemKind kind, std::span<TakenItem> items) {
  const std::lock_guard lock(shared_->mutex);
  totals_.Add(Clock::now(), kind, items);
  shared_->begun -= items.size();
  --busy_;
  shared_->CountWork();
}

ServiceStatus EmbedService::Workers::status() const {
  const std::lock_guard lock(shared_->mutex);
  const EmbedServiceQueue& queue = shared_->queue;
  const Clock::time_point now = Clock::now();
  ServiceStatus status;
  status.threads = parts_.workers.threads();
  status.queued_search = queue.size(ServiceClass::kSearch);
  status.queued_bulk = queue.size(ServiceClass::kBulk);
  status.begun = shared_->begun;
  status.oldest_wait = ToSeconds(now - queue.OldestSince(now));
  totals_.Describe(now, !shared_->has_work, status);
  return status;
}

}  // namespace siglip
