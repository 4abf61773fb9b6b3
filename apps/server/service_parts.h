// What the routes of the service share.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/thumbnail_cache.h"
#include "server/access.h"
#include "server/api/api_error.h"
#include "server/api/models_reply.h"
#include "server/http/http_message.h"
#include "server/http/http_server.h"
#include "server/known_duplicates.h"
#include "server/metrics.h"
#include "server/served_index.h"
#include "server/task_thread.h"
#include "siglip/embed_service.hpp"

namespace siglip::server {

struct ServiceOptions {
  std::vector<std::string> model_names;  ///< What requests may call the model; the first is its id.
  std::string given_model;               ///< What whoever started the service calls it.
  std::optional<std::filesystem::path> index;
  std::filesystem::path thumbnails;  ///< Where they are kept.
  DecodeLimits decode;               ///< Of a picture that is shown.
  EmbedServiceOptions embed;
};

/// A request on its way to its reply.
struct Call {
  HttpRequest request;
  std::function<void(Reply)> reply;  ///< To be called once.
  std::string argument;              ///< What stands at the place of {id} in the path.
};
using SharedCall = std::shared_ptr<Call>;

/// Threads are made last and end first, in the order in which work passes from one to the next: the
/// intake into the embedding service, and that into those that answer.
struct ServiceParts {
  ServiceParts(Embedder embedder, ServiceOptions chosen, MemoryBudget shared_budget,
               Metrics& of_service);

  const ServiceOptions options;
  const int64_t started;  ///< In seconds since 1970.
  MemoryBudget budget;
  Metrics& metrics;
  std::atomic<bool> draining = false;  ///< Nothing new is begun any more.
  std::function<size_t()> connections = [] { return size_t{0}; };
  std::atomic<int64_t> index_rows = 0;  ///< As far as is known.
  std::atomic<bool> updating = false;   ///< The index is being brought up to date.

  // Each is used by one thread only, where there is an index.
  std::unique_ptr<ServedIndex> searched;  ///< By `searches`.
  std::unique_ptr<ServedIndex> shown;     ///< By `files`.
  std::unique_ptr<ServedIndex> compared;  ///< By `duplicates`.

  KnownDuplicates known_duplicates;  ///< Used by `duplicates`.

  /// Used by `files`, once a thumbnail was asked for.
  std::optional<apps::ThumbnailCache> thumbnails;

  TaskThread replies;     ///< Makes replies of embeddings.
  TaskThread searches;    ///< Looks into the index.
  TaskThread files;       ///< Reads pictures and makes thumbnails.
  TaskThread duplicates;  ///< Compares all pictures, which takes long.
  EmbedService embed;
  TaskThread intake;        ///< Reads requests.
  TaskThread large_intake;  ///< Reads large ones, which would keep others waiting.
};

/// Calls `make` and replies with what it returns, or with what it throws.
void Answer(const Call& call, const std::function<Reply()>& make);

/// Hands a body that is to be read to one of the two intakes. `read` may throw, which is answered.
void TakeIn(ServiceParts& parts, const SharedCall& call, std::function<void()> read);

/// A reply of JSON that nobody may keep.
Reply JsonReply(std::string body);

/// Throws ApiError (404) where the client named another model than the one that is served.
void CheckModel(const ServiceParts& parts, const std::optional<std::string>& model);

/// Throws ApiError (400) for a model that compares no texts.
void RequireTexts(const ServiceParts& parts);

/// Throws ApiError (404) for a service without an index.
void RequireIndex(const ServiceParts& parts);

/// Throws ApiError (503) where so many bytes are not free now.
Reservation ReserveReply(ServiceParts& parts, uint64_t bytes);

}  // namespace siglip::server
