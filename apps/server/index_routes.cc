// GET /v1/index and POST /v1/duplicates
#include <utility>

#include "server/api/duplicates_reply.h"
#include "server/api/duplicates_request.h"
#include "server/api/index_reply.h"
#include "server/routes.h"

namespace siglip::server {
namespace {

Reply MakeDuplicatesReply(ServiceParts& parts, const DuplicatesRequest& request) {
  const Index& index = parts.compared->Current();
  const std::vector<DuplicateGroup>& groups =
      parts.known_duplicates.Find(*parts.compared, request.options, parts.budget);
  Reservation memory = ReserveReply(parts, DuplicatesReplyBytes(groups, request));
  Reply reply = JsonReply(DuplicatesReply(groups, request, [&](int64_t content) {
    const auto known = index.Content(content);
    return known ? known->hash : std::string();
  }));
  reply.memory = std::move(memory);
  return reply;
}

}  // namespace

void GetIndex(ServiceParts& parts, const SharedCall& call) {
  parts.files.Post([&parts, call] {
    Answer(*call, [&] {
      RequireIndex(parts);
      const IndexStatus status = parts.shown->Current().status();
      parts.index_rows = status.contents - status.undecodable;
      return JsonReply(IndexReply(
          status, {.texts = parts.embed.embedder().compares_texts(), .updating = parts.updating}));
    });
  });
}

void PostDuplicates(ServiceParts& parts, const SharedCall& call) {
  TakeIn(parts, call, [&parts, call] {
    RequireIndex(parts);
    const DuplicatesRequest request = ReadDuplicatesRequest(call->request.body);
    parts.duplicates.Post([&parts, call, request] {
      if (call->request.client->gone()) return;
      Answer(*call, [&] { return MakeDuplicatesReply(parts, request); });
    });
  });
}

}  // namespace siglip::server
