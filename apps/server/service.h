// The service: who may ask, what for, and where the answer is made.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "server/access.h"
#include "server/api_keys.h"
#include "server/http/http_server.h"
#include "server/metrics.h"
#include "server/request_log.h"
#include "server/service_parts.h"
#include "server/sessions.h"

namespace siglip::server {

class Service final : public HttpHandler {
 public:
  /// Without keys nobody has to show one; they must outlive this object. Until Open() is done only
  /// /health is answered, all else with 503.
  Service(AccessRules rules, const ApiKeys* keys);

  /// Makes the parts, which are there as long as this object. Once; throws Error as EmbedService
  /// and ServedIndex do.
  ServiceParts& Load(Embedder embedder, const ServiceOptions& options, MemoryBudget budget,
                     std::function<size_t()> connections);
  /// With these parts, computes a picture and a text of its own, as a client would have it done;
  /// then it answers. Throws Error where the model cannot.
  void Open();

  Admission Admit(const RequestHead& head) override;
  void Handle(HttpRequest request, std::function<void(Reply)> reply) override;
  void Finished(const Exchange& exchange) override;

 private:
  Reply BeginSession(const HttpRequest& request);
  Reply EndSession(const HttpRequest& request);
  Reply Preflight(const RequestHead& head) const;
  void AddCors(const RequestHead& head, Reply& reply) const;

  std::optional<Sessions> sessions_;
  const Access access_;
  Metrics metrics_;
  RequestLog log_;
  std::optional<ServiceParts> parts_;
  std::atomic<bool> is_open_ = false;  // the parts are there
};

}  // namespace siglip::server
