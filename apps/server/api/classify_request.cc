#include "server/api/classify_request.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "server/api/input_reader.h"
#include "server/api/request_fields.h"
#include "siglip/zero_shot_classifier.hpp"

namespace siglip::server {
namespace {

constexpr size_t kMaxLabels = 1000;
constexpr size_t kMaxTemplates = 16;
constexpr std::string_view kPlace = "{}";

std::vector<std::string> ReadLabels(const RequestFields& fields) {
  const std::optional<JsonValue> value = fields.Find("labels");
  if (!value) Refuse("labels", "a list of texts to compare the pictures with", std::string("none"));
  if (value->kind() != JsonValue::Kind::kArray) Refuse("labels", "a list of texts", *value);
  std::vector<std::string> labels = fields.Strings("labels", kMaxLabels);
  std::vector<std::string_view> sorted(labels.begin(), labels.end());
  std::sort(sorted.begin(), sorted.end());
  const auto equal = std::adjacent_find(sorted.begin(), sorted.end());
  if (equal != sorted.end()) {
    Refuse("labels", "different texts", "\"" + std::string(equal->substr(0, 60)) + "\" twice");
  }
  return labels;
}

std::vector<std::string> ReadTemplates(const RequestFields& fields) {
  std::vector<std::string> templates = fields.Strings("template", kMaxTemplates);
  for (const std::string& text : templates) {
    if (text.find(kPlace) != std::string::npos) continue;
    Refuse("template", "a text with {} where the label goes", "\"" + text.substr(0, 60) + "\"");
  }
  if (templates.empty()) templates = {ZeroShotClassifier::kTemplate};
  return templates;
}

}  // namespace

ClassifyRequest ReadClassifyRequest(std::string_view json) {
  const RequestFields fields = RequestFields::OfBody(json);
  ClassifyRequest request;
  request.model = fields.String("model");
  request.labels = ReadLabels(fields);
  request.templates = ReadTemplates(fields);
  request.partial = fields.Bool("partial", false);
  const std::optional<JsonValue> input = fields.Find("input");
  if (!input) Refuse("input", "pictures to classify", std::string("none"));
  request.items = ReadItems(*input, "input", PlainString::kPicture);
  for (size_t i = 0; i < request.items.size(); ++i) {
    if (!std::holds_alternative<InputText>(request.items[i])) continue;
    request.items[i] = ItemError{i, "invalid_argument",
                                 ParamOf("input", i) + ": expected a picture, found a text"};
  }
  CheckItems("input", request.items, request.partial);
  return request;
}

}  // namespace siglip::server
