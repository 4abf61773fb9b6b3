#include "server/api/index_reply.h"

#include "common/index_json.h"
#include "common/search_json.h"
#include "output/text.h"

namespace siglip::server {

std::string IndexReply(const IndexStatus& status, const IndexState& state) {
  std::string text = "{\"object\":\"index\",\"model\":";
  if (status.space) {
    text += JsonQuoted(status.space->model) +
            ",\"dimension\":" + std::to_string(status.space->fingerprint.dimension);
  } else {
    text += "null,\"dimension\":null";
  }
  const auto boolean = [](bool value) { return value ? "true" : "false"; };
  text += std::string(",\"texts\":") + boolean(state.texts) +
          ",\"updating\":" + boolean(state.updating) +
          ",\"weak_standout\":" + ExactNumber(static_cast<float>(apps::kWeakStandout)) + +",";
  return text + apps::IndexCountsJson(status) + "}\n";
}

}  // namespace siglip::server
