// What the service answers, route by route. Each is called on the network thread, must not wait
// there, and replies later.
#pragma once

#include "server/service_parts.h"

namespace siglip::server {

void PostEmbeddings(ServiceParts& parts, const SharedCall& call);
void PostClassify(ServiceParts& parts, const SharedCall& call);
void PostSearch(ServiceParts& parts, const SharedCall& call);
void PostDuplicates(ServiceParts& parts, const SharedCall& call);
void GetImage(ServiceParts& parts, const SharedCall& call);
void GetThumbnail(ServiceParts& parts, const SharedCall& call);
void GetIndex(ServiceParts& parts, const SharedCall& call);
void GetModels(ServiceParts& parts, const SharedCall& call);
void GetOpenApi(ServiceParts& parts, const SharedCall& call);
/// That of GET /health.
Reply HealthReply();

void GetHealth(ServiceParts& parts, const SharedCall& call);
void GetReady(ServiceParts& parts, const SharedCall& call);
void GetMetrics(ServiceParts& parts, const SharedCall& call);
void GetPage(ServiceParts& parts, const SharedCall& call);

}  // namespace siglip::server
