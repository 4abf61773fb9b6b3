// Embeddings for many clients at once, each of whom may come at any time and leave at any time.
//
//   siglip::EmbedService service(siglip::Embedder::Open("google/siglip2-base-patch16-224"));
//   auto answer = service.Submit({.items = {{"a cat"}, {siglip::Picture::Bytes(body)}},
//                                 .service_class = siglip::ServiceClass::kSearch,
//                                 .done = [](siglip::ServiceResult result) { ... }});
//   if (auto* busy = std::get_if<siglip::ServiceBusy>(&answer)) ...  // come back later
//
// Nothing waits in it: what cannot be begun before long is refused with the time to come back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/export.hpp"
#include "siglip/image.hpp"
#include "siglip/picture.hpp"

namespace siglip {

/// Who goes first: searches do, though of every nine items that are begun while both wait one is
/// of the bulk.
enum class ServiceClass {
  kSearch,  ///< Someone waits for it: few items.
  kBulk,    ///< As many items as there are.
};

/// A picture or a text (UTF-8).
struct ServiceItem {
  std::variant<Picture, std::string> input;
};

/// What became of one item: an embedding, or the reason why there is none. Times are in seconds; an
/// item that was computed together with others has the time of them all.
struct ServiceResult {
  size_t item = 0;               ///< Position in the request, from 0.
  std::vector<float> embedding;  ///< [D]. Empty after a failure.
  /// That of this item alone, as Embedder gives it. kCancelled when the service came to its end.
  std::optional<Error> error;
  int64_t tokens = 0;          ///< Of a text: its ids and those around them, without padding.
  double queue_seconds = 0;    ///< From Submit until a worker began with it.
  double prepare_seconds = 0;  ///< A picture's reading, decoding, resizing; a text's ids.
  double compute_seconds = 0;  ///< In the model.
};

struct ServiceRequest {
  std::vector<ServiceItem> items;
  ServiceClass service_class = ServiceClass::kBulk;
  /// Divide every vector by its L2 norm, without epsilon, as the reference does.
  bool normalize = true;
  /// Called once for every item, as soon as that is ready, in any order, by a worker, several of
  /// which may do so at once; unless the ticket was cancelled before the item was begun. Must not
  /// wait for anything nor destroy the service; may submit and cancel. What it throws is dropped.
  /// Let go after the last call.
  std::function<void(ServiceResult result)> done;
};

struct EmbedServiceOptions {
  /// The most items of each class that may wait to be begun, at least 1.
  size_t queue = 4096;
  /// What may lie before an item when it is submitted, in time to work on it.
  std::chrono::duration<double> max_wait = std::chrono::seconds(10);
  /// Of a picture; nothing: those of the embedder's options.
  std::optional<DecodeLimits> limits = {};
};

/// A request that was not taken: nothing of it is kept, `done` is not called.
struct ServiceBusy {
  enum class Reason {
    kQueueFull,  ///< There is no room for its items.
    kMaxWait,    ///< It would have to wait longer than EmbedServiceOptions::max_wait.
  };
  Reason reason = Reason::kMaxWait;
  /// When to ask again, from 1 to 60. Those who are sent away get times one after the other, by
  /// what each of them asked for, so that they do not come back together.
  std::chrono::seconds retry_after = std::chrono::seconds(1);
};

/// A request that was taken. May outlive the service.
class SIGLIP_EXPORT ServiceTicket {
 public:
  ServiceTicket() = default;
  /// Drops those items that no worker has begun, with what they hold: for a client who left. They
  /// get no call of `done`; those begun do. Destroying a ticket cancels nothing. Safe to call from
  /// any thread, and again.
  void Cancel() const;

 private:
  friend class EmbedService;
  explicit ServiceTicket(std::function<void()> cancel) : cancel_(std::move(cancel)) {}

  std::function<void()> cancel_;
};

/// A time spent by many items.
struct ServiceStage {
  uint64_t items = 0;
  double seconds = 0;  ///< Of all of them.
};

/// What became of the items of one kind. Cancelled ones are not counted.
struct ServiceCounts {
  uint64_t finished = 0;
  uint64_t failed = 0;
};

/// All counted since the service began.
struct ServiceStatus {
  int threads = 0;
  size_t queued_search = 0;  ///< Items that no worker has begun.
  size_t queued_bulk = 0;    ///< The same.
  size_t begun = 0;          ///< Items that workers have at present.
  double oldest_wait = 0;    ///< Of a queued item, in seconds; 0 when there is none.
  ServiceCounts pictures;
  ServiceCounts texts;
  ServiceStage queue;              ///< Of the items begun.
  ServiceStage prepare;            ///< Of the same.
  ServiceStage compute;            ///< Of those that got into the model.
  double seconds_per_picture = 0;  ///< Lately, of one thread; 0 before the first.
  double seconds_per_text = 0;     ///< The same.
  /// Seconds since an item was finished, failed or found an idle service, while any is queued or
  /// begun; else 0.
  double silence = 0;
  /// Whether that is more than 30 s: something is wrong.
  bool stuck = false;
};

/// Computes the items of many requests on the threads of an embedder. A picture has one of them for
/// itself, so each is as fast as in a long run; while most of them have nothing to do, all work on
/// one. Small pictures and texts that wait at the same time share a pass over the weights. Requests
/// of a class take turns, item by item. Embeddings have the bits that the embedder gives them.
///
/// Safe to use from several threads. A child of fork() can only destroy it.
class SIGLIP_EXPORT EmbedService {
 public:
  /// Loads those towers that the model has. An item for a tower that it has not gets the error that
  /// Embedder gives. Throws Error as
  /// Embedder does when a tower cannot be loaded or the image tower has no pooling head, and
  /// kInvalidArgument for options out of their range.
  explicit EmbedService(Embedder embedder, const EmbedServiceOptions& options = {});
  EmbedService(const EmbedService&) = delete;
  EmbedService& operator=(const EmbedService&) = delete;
  /// Finishes what workers have begun. What they have not gets Error(kCancelled), by the calling
  /// thread. No other thread may be in a function of it.
  ~EmbedService();

  /// Takes the request or refuses it, at once. Throws Error(kInvalidArgument) for one without items
  /// or `done`, kLimitExceeded for more items than could ever wait.
  std::variant<ServiceTicket, ServiceBusy> Submit(ServiceRequest request);

  ServiceStatus status() const;
  const EmbedServiceOptions& options() const;
  /// May be used beside the service: its calls and the service take turns.
  const Embedder& embedder() const;

 private:
  class SIGLIP_HIDDEN Workers;

  std::unique_ptr<Workers> workers_;
};

}  // namespace siglip
