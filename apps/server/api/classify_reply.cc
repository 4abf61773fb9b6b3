#include "server/api/classify_reply.h"

#include "output/text.h"
#include "server/api/reply_text.h"

namespace siglip::server {

std::string ClassifyReplyBegin(std::string_view model) { return ListBegin(model); }

void AppendClassification(size_t index, std::span<const ScoredLabel> scores,
                          std::span<const std::string> labels, bool is_first, std::string& text) {
  if (!is_first) text += ',';
  text += "{\"index\":" + std::to_string(index) + ",\"labels\":[";
  for (const ScoredLabel& score : scores) {
    CheckFinite(score.score, index);
    CheckFinite(score.probability, index);
    if (text.back() != '[') text += ',';
    text += "{\"label\":" + JsonQuoted(labels[score.label]) +
            ",\"score\":" + ExactNumber(score.score) +
            ",\"probability\":" + ExactNumber(score.probability) + "}";
  }
  text += "]}";
}

std::string ClassifyReplyEnd(std::span<const ItemError> errors) {
  return (errors.empty() ? "]" : "],\"errors\":" + ItemErrorsJson(errors)) + "}\n";
}

uint64_t ClassifyReplyBytes(std::string_view model, size_t pictures,
                            std::span<const std::string> labels) {
  constexpr uint64_t kAround = 80;  // names and two numbers; names and an index of 20 digits
  uint64_t picture = kAround;
  for (const std::string& label : labels) picture += JsonQuoted(label).size() + kAround;
  return ClassifyReplyBegin(model).size() + pictures * picture + kAround;
}

}  // namespace siglip::server
