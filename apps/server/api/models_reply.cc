#include "server/api/models_reply.h"

#include "output/text.h"

namespace siglip::server {

std::string ModelsReply(std::span<const ServedModel> models) {
  std::string text = "{\"object\":\"list\",\"data\":[";
  for (const ServedModel& model : models) {
    if (text.back() != '[') text += ",";
    text += "{\"id\":" + JsonQuoted(model.id) +
            ",\"object\":\"model\",\"created\":" + std::to_string(model.created) +
            ",\"owned_by\":\"siglip\",\"dimension\":" + std::to_string(model.dimension) + "}";
  }
  return text + "]}\n";
}

}  // namespace siglip::server
