// What is answered at once: /health, /ready, /metrics, /v1/models and the files of the page.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "server/api/openapi.h"
#include "server/page/page.h"
#include "server/routes.h"
#include "siglip/runtime.hpp"

namespace siglip::server {
namespace {

/// Why the service is not ready, or nothing.
std::string_view NotReady(const ServiceParts& parts) {
  if (parts.draining) return "shutting down";
  if (parts.embed.status().stuck) return "stuck: something waits and nothing is finished";
  return {};
}

}  // namespace

Reply HealthReply() { return JsonReply("{\"status\":\"ok\"}\n"); }

void GetHealth(ServiceParts&, const SharedCall& call) { Answer(*call, HealthReply); }

void GetReady(ServiceParts& parts, const SharedCall& call) {
  Answer(*call, [&] {
    const std::string_view reason = NotReady(parts);
    if (!reason.empty()) throw ApiError(503, "not_ready", std::string(reason));
    return JsonReply("{\"status\":\"ready\"}\n");
  });
}

void GetModels(ServiceParts& parts, const SharedCall& call) {
  Answer(*call, [&] {
    std::vector<ServedModel> models;
    for (const std::string& name : parts.options.model_names) {
      models.push_back({.id = name,
                        .created = parts.started,
                        .dimension = parts.embed.embedder().embedding_shape().back()});
    }
    return JsonReply(ModelsReply(models));
  });
}

void GetMetrics(ServiceParts& parts, const SharedCall& call) {
  Answer(*call, [&] {
    const ServiceStatus status = parts.embed.status();
    const std::string build = "version=\"" + std::string(Version()) + "\",instruction_set=\"" +
                              std::string(parts.embed.embedder().runtime()->instruction_set()) +
                              "\"";
    Reply reply = JsonReply(parts.metrics.Text({
        {"siglip_queue_items", "Pictures and texts that wait.", "class=\"search\"",
         static_cast<double>(status.queued_search)},
        {"siglip_queue_items", "", "class=\"bulk\"", static_cast<double>(status.queued_bulk)},
        {"siglip_queue_oldest_seconds", "For how long the oldest of them has waited.", "",
         status.oldest_wait},
        {"siglip_buffered_bytes", "Of bodies and replies in memory.", "",
         static_cast<double>(parts.budget.used())},
        {"siglip_connections", "Open connections.", "", static_cast<double>(parts.connections())},
        {"siglip_index_rows", "Pictures that can be searched.", "",
         static_cast<double>(parts.index_rows)},
        {"siglip_build_info", "What is running.", build, 1},
    }));
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return reply;
  });
}

void GetOpenApi(ServiceParts&, const SharedCall& call) {
  Answer(*call, [] { return JsonReply(std::string(OpenApi())); });
}

void GetPage(ServiceParts&, const SharedCall& call) {
  Answer(*call, [&] {
    const RequestHead& head = call->request.head;
    // Browsers ask for it also beside pages that have none, such as /health.
    const bool is_icon = head.resource.path == "/favicon.ico";
    const PageFile* const file = FindPageFile(is_icon ? "/page/favicon.svg" : head.resource.path);
    if (file == nullptr) throw ApiError(404, "not_found", "there is no such page");
    Reply reply = {.content_type = std::string(file->content_type),
                   .fields = {{"content-security-policy", std::string(kPagePolicy)},
                              {"cross-origin-opener-policy", "same-origin"},
                              {"cross-origin-resource-policy", "same-origin"},
                              {"referrer-policy", "no-referrer"},
                              {"cache-control", "no-cache"},
                              {"etag", std::string(file->etag)}}};
    const std::string* const known = head.Find("if-none-match");
    if (known != nullptr && *known == file->etag) {
      reply.status = 304;
    } else {
      reply.body = std::string(file->bytes);
    }
    return reply;
  });
}

}  // namespace siglip::server
