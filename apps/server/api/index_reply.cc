#include "server/api/index_reply.h"

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
          ",\"weak_standout\":" + ExactNumber(static_cast<float>(apps::kWeakStandout)) +
          ",\"contents\":" + std::to_string(status.contents) +
          ",\"undecodable\":" + std::to_string(status.undecodable) +
          ",\"bytes\":" + std::to_string(status.bytes) + ",\"folders\":[";
  for (const IndexedFolder& folder : status.folders) {
    if (text.back() != '[') text += ",";
    text += "{" + JsonPath(folder.path) + ",\"files\":" + std::to_string(folder.files) +
            ",\"missing\":" + std::to_string(folder.missing) +
            ",\"unreadable\":" + std::to_string(folder.unreadable) + "}";
  }
  return text + "]}\n";
}

}  // namespace siglip::server
