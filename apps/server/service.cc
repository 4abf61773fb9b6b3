#include "server/service.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "server/api/api_error.h"
#include "server/api/request_fields.h"
#include "server/route_table.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

/// The whole of a session's request is a key.
constexpr uint64_t kMostSessionBytes = 4096;
// A model takes seconds.
constexpr int kRetryAfterLoading = 2;
constexpr std::string_view kCookieTail = "; HttpOnly; SameSite=Strict; Path=/";

std::string CookieField(const std::string& secret, bool ends) {
  return std::string(kSessionCookie) + "=" + secret + std::string(kCookieTail) +
         (ends ? "; Max-Age=0" : "");
}

}  // namespace

Service::Service(AccessRules rules, const ApiKeys* keys)
    : access_(std::move(rules), keys, keys ? &sessions_.emplace(*keys) : nullptr) {}

ServiceParts& Service::Load(Embedder embedder, const ServiceOptions& options, MemoryBudget budget,
                            std::function<size_t()> connections) {
  parts_.emplace(std::move(embedder), options, std::move(budget), metrics_);
  parts_->connections = std::move(connections);
  return *parts_;
}

void Service::Open() {
  std::vector<ServiceItem> items = {// Of one pixel: it has to be within any limits.
                                    {Picture::Pixels(std::vector<uint8_t>(3, uint8_t{128}),
                                                     {.width = 1, .height = 1}, "a grey picture")}};
  if (parts_->embed.embedder().compares_texts()) items.push_back({std::string("a photo")});
  // Shared: this function may return before the worker has left set_value.
  const auto all_done = std::make_shared<std::promise<void>>();
  std::atomic<size_t> waiting = items.size();
  std::optional<Error> failure;
  std::mutex mutex;
  parts_->embed.Submit(
      {.items = std::move(items), .done = [&, all_done](const ServiceResult& result) {
         if (result.error) {
           const std::lock_guard lock(mutex);
           failure = result.error;
         }
         if (--waiting == 0) all_done->set_value();
       }});
  all_done->get_future().wait();
  if (failure) throw Error(*failure);
  is_open_ = true;
}

Admission Service::Admit(const RequestHead& head) {
  const auto answer = [&](Reply reply, std::string code = {}) {
    AddCors(head, reply);
    return Admission{.refusal = std::move(reply), .code = std::move(code)};
  };
  const auto refuse = [&](const Refusal& refusal, std::vector<HttpField> fields = {}) {
    Reply reply = ErrorReply(refusal.status, refusal.code, refusal.message,
                             refusal.status == 503 ? kRetryAfterLoading : 0);
    std::ranges::move(fields, std::back_inserter(reply.fields));
    return answer(std::move(reply), refusal.code);
  };
  const FoundRoute found = FindRoute(head.method, head.resource.path);
  const Exposure exposure = found.route ? found.route->exposure : Exposure::kGuarded;
  const bool is_preflight = head.method == "OPTIONS" && access_.CorsOrigin(head) != nullptr;
  if (const auto refusal =
          access_.Check(head, head.resource.path, is_preflight ? Exposure::kOpen : exposure)) {
    if (refusal->status != 401) return refuse(*refusal);
    return refuse(*refusal, {{"www-authenticate", "Bearer"}});
  }
  if (is_preflight) return answer(Preflight(head));
  if (found.route == nullptr && found.allowed.empty()) {
    return refuse({404, "not_found", "there is no such path; see /openapi.json"});
  }
  if (found.route == nullptr) {
    return refuse({405, "method_not_allowed", "expected " + found.allowed},
                  {{"allow", found.allowed}});
  }
  if (const auto refusal = Access::CheckContentType(head)) return refuse(*refusal);
  if (!is_open_) {
    if (head.resource.path == "/health") return answer(HealthReply());
    return refuse({503, "not_ready", "loading"});
  }
  // Of JSON the body and what is read out of it are in memory together.
  return {.takes_body = head.method == "POST",
          .memory_factor = HasPictureBody(head) ? uint64_t{1} : uint64_t{2}};
}

void Service::Handle(HttpRequest request, std::function<void(Reply)> reply) {
  FoundRoute found = FindRoute(request.head.method, request.head.resource.path);
  if (found.route->handler == nullptr) {
    const auto call =
        std::make_shared<Call>(Call{std::move(request), std::move(reply), std::string()});
    TakeIn(*parts_, call, [this, call] {
      const bool begins = call->request.head.method == "POST";
      call->reply(begins ? BeginSession(call->request) : EndSession(call->request));
    });
    return;
  }
  auto call = std::make_shared<Call>();
  call->argument = std::move(found.argument);
  call->request = std::move(request);
  if (access_.CorsOrigin(call->request.head) == nullptr) {
    call->reply = std::move(reply);
  } else {
    const std::weak_ptr<Call> weak = call;  // the call holds this function
    call->reply = [this, weak, reply = std::move(reply)](Reply made) {
      if (const SharedCall shared = weak.lock()) AddCors(shared->request.head, made);
      reply(std::move(made));
    };
  }
  found.route->handler(*parts_, call);
}

void Service::Finished(const Exchange& exchange) {
  std::string_view route = "other";
  if (!exchange.head.method.empty()) {
    const FoundRoute found = FindRoute(exchange.head.method, exchange.head.resource.path);
    if (found.route != nullptr) route = found.route->path;
  }
  metrics_.CountRequest(route, exchange.status,
                        exchange.read_seconds + exchange.handle_seconds + exchange.write_seconds);
  metrics_.AddStage("read", exchange.read_seconds);
  metrics_.AddStage("write", exchange.write_seconds);
  if (!exchange.code.empty()) metrics_.CountRejected(exchange.code);
  log_.Write(LogLine(exchange, route));
}

Reply Service::BeginSession(const HttpRequest& request) {
  if (!sessions_) throw ApiError(400, "no_keys", "this service asks for no key");
  if (request.body.size() > kMostSessionBytes) {
    throw ApiError(400, "invalid_argument", "expected {\"key\": \"...\"}", "key");
  }
  const auto key = RequestFields::OfBody(request.body).String("key");
  if (!key) throw ApiError(400, "invalid_argument", "expected {\"key\": \"...\"}", "key");
  const std::optional<std::string> secret = sessions_->Begin(*key);
  if (!secret) {
    throw ApiError(401, "invalid_api_key", "the key is none of this service's", "key");
  }
  return {.status = 204,
          .fields = {{"set-cookie", CookieField(*secret, false)}, {"cache-control", "no-store"}}};
}

Reply Service::EndSession(const HttpRequest& request) {
  if (const auto secret = SessionCookie(request.head); secret && sessions_) {
    sessions_->End(*secret);
  }
  return {.status = 204,
          .fields = {{"set-cookie", CookieField({}, true)}, {"cache-control", "no-store"}}};
}

Reply Service::Preflight(const RequestHead& head) const {
  const std::string& path = head.resource.path;
  const FoundRoute any = FindRoute("OPTIONS", path);
  if (any.allowed.empty()) return ErrorReply(404, "not_found", "there is no such path");
  return {.status = 204,
          .fields = {{"access-control-allow-methods", any.allowed},
                     {"access-control-allow-headers", "authorization, content-type"},
                     {"access-control-max-age", "600"}}};
}

void Service::AddCors(const RequestHead& head, Reply& reply) const {
  const std::string* const origin = access_.CorsOrigin(head);
  if (origin == nullptr) return;
  reply.fields.push_back({"access-control-allow-origin", *origin});
  reply.fields.push_back({"access-control-expose-headers", "x-request-id, retry-after"});
  reply.fields.push_back({"vary", "origin"});
}

}  // namespace siglip::server
