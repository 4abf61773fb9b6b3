#include "common/index_json.h"

#include "output/text.h"

namespace siglip::apps {

std::string IndexCountsJson(const IndexStatus& status) {
  std::string text = "\"contents\":" + std::to_string(status.contents) +
                     ",\"undecodable\":" + std::to_string(status.undecodable) +
                     ",\"bytes\":" + std::to_string(status.bytes) + ",\"folders\":[";
  for (const IndexedFolder& folder : status.folders) {
    if (text.back() != '[') text += ",";
    text += "{" + JsonPath(folder.path) + (folder.is_archive ? ",\"archive\":true" : "") +
            ",\"files\":" + std::to_string(folder.files) +
            ",\"missing\":" + std::to_string(folder.missing) +
            ",\"unreadable\":" + std::to_string(folder.unreadable) + "}";
  }
  return text + "]";
}

}  // namespace siglip::apps
