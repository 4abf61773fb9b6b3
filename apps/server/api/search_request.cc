#include "server/api/search_request.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

#include "common/dates.h"
#include "server/api/input_reader.h"
#include "server/api/request_fields.h"

namespace siglip::server {
namespace {

using Kind = JsonValue::Kind;

constexpr size_t kMaxQueryParts = 64;
constexpr double kWeightOfNot = -0.5;
constexpr double kMaxWeight = 1000;
constexpr int64_t kMaxTop = 1000;
constexpr int64_t kMaxOffset = 10000;
constexpr std::array<std::string_view, 4> kPartNames = {"text", "image", "like", "not"};

SearchPart ReadPart(std::string_view name, JsonValue value, const std::string& param) {
  if (name == "like") {
    const std::optional<int64_t> id =
        value.kind() == Kind::kNumber ? value.Integer() : std::nullopt;
    if (!id || *id < 1) Refuse(param, "the id of a hit", value);
    return {.query = LikeContent{*id}, .param = param};
  }
  if (name == "image") {
    auto item = ReadItem(value, param, PlainString::kPicture);
    if (auto* const picture = std::get_if<InputPicture>(&item)) {
      return {.query = std::move(*picture), .param = param};
    }
    Refuse(param, "a picture", std::string("a text"));
  }
  if (value.kind() != Kind::kString) Refuse(param, "a string", value);
  InputText text{value.String()};
  if (text.text.empty()) Refuse(param, "a text", std::string("an empty string"));
  return {.query = std::move(text), .weight = name == "not" ? kWeightOfNot : 1, .param = param};
}

double ReadWeight(JsonValue value, const std::string& param) {
  const std::optional<double> weight =
      value.kind() == Kind::kNumber ? value.Number() : std::nullopt;
  if (!weight || std::abs(*weight) > kMaxWeight) {
    Refuse(param, "a number from -1000 to 1000", value);
  }
  return *weight;
}

/// Gives these parts their weights, which must be as many.
void ReadWeights(JsonValue value, const std::string& param, std::span<SearchPart> parts) {
  std::vector<double> weights;
  VisitOneOrMany(value, param, kMaxQueryParts, [&](JsonValue item, const std::string& name) {
    weights.push_back(ReadWeight(item, name));
  });
  if (weights.size() != parts.size()) {
    Refuse(param, "as many weights as there is to weigh, " + std::to_string(parts.size()),
           std::to_string(weights.size()));
  }
  for (size_t i = 0; i < parts.size(); ++i) parts[i].weight = weights[i];
}

/// The parts, and their weights where they are told.
std::vector<SearchPart> ReadParts(const RequestFields& fields) {
  std::vector<SearchPart> parts;
  std::array<size_t, kPartNames.size() + 1> begins = {};  // of the parts of each name
  for (size_t kind = 0; kind < kPartNames.size(); ++kind) {
    if (const std::optional<JsonValue> value = fields.Find(kPartNames[kind])) {
      VisitOneOrMany(*value, std::string(kPartNames[kind]), kMaxQueryParts,
                     [&](JsonValue item, const std::string& param) {
                       parts.push_back(ReadPart(kPartNames[kind], item, param));
                     });
    }
    begins[kind + 1] = parts.size();
  }
  if (parts.empty()) {
    Refuse("text", "\"text\", \"image\", \"like\" or \"not\"", std::string("none of them"));
  }
  if (parts.size() > kMaxQueryParts) {
    Refuse("text", "at most 64 things to look for together", std::to_string(parts.size()));
  }
  const std::optional<JsonValue> weights = fields.Find("weights");
  if (!weights) return parts;
  if (weights->kind() != Kind::kObject) {
    if (weights->kind() != Kind::kArray) Refuse("weights", "a list or an object", *weights);
    ReadWeights(*weights, "weights", parts);
    return parts;
  }
  const RequestFields by_name(*weights, "weights");
  for (size_t kind = 0; kind < kPartNames.size(); ++kind) {
    const std::optional<JsonValue> value = by_name.Find(kPartNames[kind]);
    if (!value) continue;
    ReadWeights(*value, by_name.ParamOf(kPartNames[kind]),
                std::span(parts).subspan(begins[kind], begins[kind + 1] - begins[kind]));
  }
  return parts;
}

std::optional<int64_t> ReadDate(const RequestFields& fields, std::string_view name) {
  const std::optional<std::string> text = fields.String(name);
  if (!text) return std::nullopt;
  try {
    return apps::ParseDate(*text);
  } catch (const Error&) {
    Refuse(std::string(name), "a date such as 2024, 2024-05, 2024-05-17 or 2024-05-17T09:30:00",
           *fields.Find(name));
  }
}

SearchFilter ReadFilter(const RequestFields& fields) {
  static constexpr std::array<std::string_view, 9> kFormats = {"jpeg", "png", "webp", "gif", "bmp",
                                                               "tiff", "pnm", "avif", "heic"};
  SearchFilter filter;
  if (const std::optional<std::string> under = fields.String("under")) {
    const bool is_path = under->starts_with('/') && under->find('\0') == std::string::npos;
    if (!is_path) Refuse("under", "an absolute path", *fields.Find("under"));
    filter.under = *under;
  }
  filter.after = ReadDate(fields, "after");
  filter.before = ReadDate(fields, "before");
  if (const std::optional<size_t> format = fields.Word("format", kFormats)) {
    filter.format = kFormats[*format];
  }
  filter.min_width = fields.Integer("min_width", 0, int64_t{1} << 31).value_or(0);
  return filter;
}

std::optional<float> ReadMinScore(const RequestFields& fields) {
  constexpr double kMost = 1e9;  // of combined queries they are no cosines
  const std::optional<double> score = fields.Number("min_score");
  if (!score) return std::nullopt;
  if (std::abs(*score) > kMost) {
    Refuse("min_score", "a number from -1e9 to 1e9", *fields.Find("min_score"));
  }
  return static_cast<float>(*score);
}

}  // namespace

SearchRequest ReadSearchRequest(std::string_view json) {
  const RequestFields fields = RequestFields::OfBody(json);
  SearchRequest request;
  request.model = fields.String("model");
  request.options.top = fields.Integer("top", 1, kMaxTop).value_or(request.options.top);
  request.offset = fields.Integer("offset", 0, kMaxOffset).value_or(0);
  request.options.filter = ReadFilter(fields);
  request.options.min_score = ReadMinScore(fields);
  request.options.fold = fields.Bool("fold", true);
  request.parts = ReadParts(fields);
  return request;
}

SearchRequest ReadSearchPictureBody(std::string body) {
  if (body.empty()) {
    throw ApiError(400, "invalid_argument", "expected a picture as the body, found an empty one");
  }
  SearchRequest request;
  request.parts.push_back({.query = InputPicture{std::move(body)}, .param = "image"});
  return request;
}

}  // namespace siglip::server
