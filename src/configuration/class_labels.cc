#include "configuration/class_labels.h"

#include <cstddef>

#include "siglip/error.hpp"

namespace siglip {

std::vector<std::string> ClassLabels(const Json& config, int64_t classes, const std::string& name) {
  std::vector<std::string> labels;
  const auto found = config.find("id2label");
  if (found == config.end() || found->is_null()) {
    for (int64_t i = 0; i < classes; ++i) labels.push_back("LABEL_" + std::to_string(i));
    return labels;
  }
  if (!found->is_object()) {
    throw Error(ErrorCode::kMalformedFile, name + ": field 'id2label': expected an object");
  }
  if (found->size() != static_cast<size_t>(classes)) {
    throw Error(ErrorCode::kMismatch, name + ": field 'id2label': expected " +
                                          std::to_string(classes) +
                                          " labels, as many as the classifier has outputs, found " +
                                          std::to_string(found->size()));
  }
  for (int64_t i = 0; i < classes; ++i) {
    const std::string key = std::to_string(i);
    const auto label = found->find(key);
    if (label == found->end()) {
      throw Error(ErrorCode::kMismatch, name + ": field 'id2label': no label for " + key);
    }
    labels.push_back(JsonString(*label, "id2label." + key, name));
  }
  return labels;
}

}  // namespace siglip
