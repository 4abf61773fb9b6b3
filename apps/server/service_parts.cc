#include "server/service_parts.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "siglip/error.hpp"

namespace siglip::server {
namespace {

/// Takes less than a millisecond to read.
constexpr size_t kLargeBody = 256 << 10;
constexpr int kRetrySeconds = 1;

Reply ErrorReplyOf(const ApiError& error) {
  // 503 tells when to come back.
  Reply reply =
      ErrorReply(error.status, error.code, error.message, error.status == 503 ? kRetrySeconds : 0);
  reply.body = ErrorJson(error);
  return reply;
}

Reply ReplyOfCurrentException() {
  try {
    throw;
  } catch (const ApiError& error) {
    return ErrorReplyOf(error);
  } catch (const Error& error) {
    return ErrorReplyOf(ApiErrorOf(error));
  } catch (const std::bad_alloc&) {
    return ErrorReply(503, "out_of_memory", "no memory is left for this request", kRetrySeconds);
  } catch (const std::exception& error) {
    return ErrorReply(500, "internal_error", error.what());
  }
}

int64_t SecondsSince1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::unique_ptr<ServedIndex> OpenIndex(const ServiceOptions& options, const Embedder& embedder) {
  if (!options.index) return nullptr;
  try {
    return std::make_unique<ServedIndex>(*options.index, embedder);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMismatch) throw;
    throw Error(error.code(),
                "the model " + options.given_model + " does not fit: " + error.message(),
                error.hint());
  }
}

}  // namespace

ServiceParts::ServiceParts(Embedder embedder, ServiceOptions chosen, MemoryBudget shared_budget,
                           Metrics& of_service)
    : options(std::move(chosen)),
      started(SecondsSince1970()),
      budget(std::move(shared_budget)),
      metrics(of_service),
      embed(std::move(embedder), options.embed) {
  searched = OpenIndex(options, embed.embedder());
  shown = OpenIndex(options, embed.embedder());
  compared = OpenIndex(options, embed.embedder());
  if (shown) {
    const IndexStatus status = shown->Current().status();
    index_rows = status.contents - status.undecodable;
  }
}

void Answer(const Call& call, const std::function<Reply()>& make) {
  Reply reply;
  try {
    reply = make();
  } catch (...) {
    reply = ReplyOfCurrentException();
  }
  call.reply(std::move(reply));
}

void TakeIn(ServiceParts& parts, const SharedCall& call, std::function<void()> read) {
  TaskThread& thread = call->request.body.size() > kLargeBody ? parts.large_intake : parts.intake;
  thread.Post([call, read = std::move(read)] {
    try {
      read();
    } catch (...) {
      call->reply(ReplyOfCurrentException());
    }
  });
}

Reply JsonReply(std::string body) {
  return {.content_type = "application/json",
          .fields = {{"cache-control", "no-store"}},
          .body = std::move(body)};
}

void CheckModel(const ServiceParts& parts, const std::optional<std::string>& model) {
  if (!model) return;
  const std::vector<std::string>& names = parts.options.model_names;
  if (std::ranges::find(names, *model) != names.end()) return;
  throw ApiError(404, "model_not_found", "expected the model '" + names.front() + "'", "model");
}

void RequireTexts(const ServiceParts& parts) {
  if (parts.embed.embedder().compares_texts()) return;
  throw ApiError(400, "unsupported", "the model compares no texts with pictures");
}

void RequireIndex(const ServiceParts& parts) {
  if (parts.options.index) return;
  throw ApiError(404, "no_index", "this service has no index: siglip serve --index DIR");
}

Reservation ReserveReply(ServiceParts& parts, uint64_t bytes) {
  if (bytes > parts.budget.capacity()) {
    throw ApiError(413, "reply_too_large",
                   "the reply would take " + std::to_string(bytes) + " bytes, the limit is " +
                       std::to_string(parts.budget.capacity()) + ": ask for less at once");
  }
  auto reservation = parts.budget.Reserve(bytes);
  if (reservation) return *std::move(reservation);
  parts.metrics.CountRejected("memory");
  throw ApiError(503, "busy", "there is no room for the reply now");
}

}  // namespace siglip::server
