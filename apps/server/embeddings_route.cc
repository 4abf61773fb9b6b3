// POST /v1/embeddings
#include <algorithm>
#include <string>
#include <utility>

#include "server/api/embeddings_reply.h"
#include "server/api/embeddings_request.h"
#include "server/item_batch.h"
#include "server/routes.h"

namespace siglip::server {
namespace {

struct WantedEmbeddings {
  std::string field;
  EncodingFormat format;
  bool partial;
};

Reply MakeReply(ServiceParts& parts, const WantedEmbeddings& wanted,
                const std::vector<EmbeddedItem>& items) {
  std::vector<ItemError> errors = ErrorsOf(items);
  if (!errors.empty() && (!wanted.partial || errors.size() == items.size())) {
    throw BadItems(wanted.field, std::move(errors));
  }
  const std::string& model = parts.options.model_names.front();
  const int64_t dimension = parts.embed.embedder().embedding_shape().back();
  const size_t count = items.size() - errors.size();
  const std::string end_of_errors = EmbeddingsReplyEnd(0, errors);
  Reservation memory = ReserveReply(
      parts, EmbeddingsReplyBytes(model, count, dimension, wanted.format) + end_of_errors.size());
  std::string text = EmbeddingsReplyBegin(model);
  int64_t tokens = 0;
  bool is_first = true;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].error) continue;
    AppendEmbedding(i, items[i].embedding, wanted.format, std::exchange(is_first, false), text);
    tokens += items[i].tokens;
  }
  text += EmbeddingsReplyEnd(tokens, errors);
  Reply reply = JsonReply(std::move(text));
  reply.memory = std::move(memory);
  reply.log = "{\"items\":" + std::to_string(items.size()) +
              ",\"failed\":" + std::to_string(errors.size()) + "}";
  return reply;
}

}  // namespace

void PostEmbeddings(ServiceParts& parts, const SharedCall& call) {
  TakeIn(parts, call, [&parts, call] {
    HttpRequest& asked = call->request;
    const int64_t dimension = parts.embed.embedder().embedding_shape().back();
    EmbeddingsRequest request = HasPictureBody(asked.head)
                                    ? ReadPictureBody(std::move(asked.body))
                                    : ReadEmbeddingsRequest(asked.body, dimension);
    asked.body = {};
    CheckModel(parts, request.model);
    const WantedEmbeddings wanted = {
        .field = request.field, .format = request.encoding_format, .partial = request.partial};
    const auto name_of = [&](size_t item) { return ParamOf(wanted.field, item); };
    EmbedItems(parts, call, std::move(request.items), name_of, ServiceClass::kBulk,
               request.normalize, parts.replies,
               [&parts, wanted](const std::vector<EmbeddedItem>& items) {
                 return MakeReply(parts, wanted, items);
               });
  });
}

}  // namespace siglip::server
