// The service: who may ask, what for, and where the answer is made.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/access.h"
#include "server/api_keys.h"
#include "server/http/http_server.h"
#include "server/service_parts.h"
#include "server/sessions.h"

namespace siglip::server {

class Service final : public HttpHandler {
 public:
  /// Without keys nobody has to show one; they must outlive this object. Throws Error as
  /// EmbedService and ServedIndex do.
  Service(Embedder embedder, const ServiceOptions& options, MemoryBudget budget, AccessRules rules,
          const ApiKeys* keys);

  ServiceParts& parts() { return parts_; }

  /// Computes a picture and a text of its own, as a client would have it done: with that the
  /// service is ready. Throws Error where the model cannot.
  void WarmUp();

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
  ServiceParts parts_;
};

}  // namespace siglip::server
