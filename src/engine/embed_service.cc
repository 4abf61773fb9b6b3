#include "siglip/embed_service.hpp"

#include "engine/embed_service_workers.h"

namespace siglip {

void ServiceTicket::Cancel() const {
  if (cancel_) cancel_();
}

EmbedService::EmbedService(Embedder embedder, const EmbedServiceOptions& options)
    : workers_(std::make_unique<Workers>(std::move(embedder), options)) {}
EmbedService::~EmbedService() = default;

std::variant<ServiceTicket, ServiceBusy> EmbedService::Submit(ServiceRequest request) {
  return workers_->Submit(std::move(request));
}

ServiceStatus EmbedService::status() const { return workers_->status(); }
const EmbedServiceOptions& EmbedService::options() const { return workers_->options(); }
const Embedder& EmbedService::embedder() const { return workers_->embedder(); }

}  // namespace siglip
