#include "server/api/request_fields.h"

#include <algorithm>

#include "server/api/api_error.h"

namespace siglip::server {

void Refuse(const std::string& param, const std::string& expected, const std::string& found) {
  throw ApiError(400, "invalid_argument",
                 (param.empty() ? "" : param + ": ") + "expected " + expected + ", found " + found,
                 param);
}

void Refuse(const std::string& param, const std::string& expected, JsonValue found) {
  Refuse(param, expected, found.Described());
}

void VisitOneOrMany(JsonValue value, const std::string& param, size_t most,
                    const std::function<void(JsonValue value, const std::string& param)>& visit) {
  if (value.kind() != JsonValue::Kind::kArray) {
    visit(value, param);
    return;
  }
  size_t count = 0;
  value.VisitItems([&](size_t index, JsonValue) {
    count = index + 1;
    return count <= most;
  });
  if (count == 0 || count > most) {
    Refuse(param, "1 to " + std::to_string(most) + " items",
           count == 0 ? std::string("an empty list") : std::string("more"));
  }
  value.VisitItems([&](size_t index, JsonValue item) {
    visit(item, server::ParamOf(param, index));
    return true;
  });
}

RequestFields RequestFields::OfBody(std::string_view body) {
  const JsonValue value = JsonValue::Parse(body);
  if (value.kind() != JsonValue::Kind::kObject) Refuse("", "an object as the body", value);
  return RequestFields(value);
}

RequestFields::RequestFields(JsonValue object, std::string where) : where_(std::move(where)) {
  object.VisitFields([&](std::string key, JsonValue value) {
    if (value.kind() != JsonValue::Kind::kNull) fields_.emplace_back(std::move(key), value);
  });
}

std::optional<JsonValue> RequestFields::Find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const auto& field) { return field.first == name; });
  if (found == fields_.end()) return std::nullopt;
  return found->second;
}

std::string RequestFields::ParamOf(std::string_view name) const {
  return (where_.empty() ? "" : where_ + ".") + std::string(name);
}

std::optional<std::string> RequestFields::String(std::string_view name) const {
  const std::optional<JsonValue> value = Find(name);
  if (!value) return std::nullopt;
  if (value->kind() != JsonValue::Kind::kString) Refuse(ParamOf(name), "a string", *value);
  return value->String();
}

std::optional<size_t> RequestFields::Word(std::string_view name,
                                          std::span<const std::string_view> words) const {
  const std::optional<JsonValue> value = Find(name);
  if (!value) return std::nullopt;
  if (value->kind() == JsonValue::Kind::kString) {
    const auto found = std::find(words.begin(), words.end(), value->String());
    if (found != words.end()) return static_cast<size_t>(found - words.begin());
  }
  std::string expected;
  for (size_t i = 0; i < words.size(); ++i) {
    expected += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    expected += "\"" + std::string(words[i]) + "\"";
  }
  Refuse(ParamOf(name), expected, *value);
}

bool RequestFields::Bool(std::string_view name, bool otherwise) const {
  const std::optional<JsonValue> value = Find(name);
  if (!value) return otherwise;
  if (value->kind() != JsonValue::Kind::kBool) Refuse(ParamOf(name), "true or false", *value);
  return value->Bool();
}

std::optional<int64_t> RequestFields::Integer(std::string_view name, int64_t least,
                                              int64_t most) const {
  const std::optional<JsonValue> value = Find(name);
  if (!value) return std::nullopt;
  std::optional<int64_t> integer;
  if (value->kind() == JsonValue::Kind::kNumber) integer = value->Integer();
  if (!integer || *integer < least || *integer > most) {
    Refuse(ParamOf(name),
           "an integer from " + std::to_string(least) + " to " + std::to_string(most), *value);
  }
  return integer;
}

std::optional<double> RequestFields::Number(std::string_view name) const {
  const std::optional<JsonValue> value = Find(name);
  if (!value) return std::nullopt;
  std::optional<double> number;
  if (value->kind() == JsonValue::Kind::kNumber) number = value->Number();
  if (!number) Refuse(ParamOf(name), "a number in the range of a double", *value);
  return number;
}

std::vector<std::string> RequestFields::Strings(std::string_view name, size_t most) const {
  std::vector<std::string> strings;
  const std::optional<JsonValue> value = Find(name);
  if (!value) return strings;
  VisitOneOrMany(*value, ParamOf(name), most, [&](JsonValue item, const std::string& param) {
    if (item.kind() != JsonValue::Kind::kString) Refuse(param, "a string", item);
    strings.push_back(item.String());
    if (strings.back().empty()) Refuse(param, "a text", std::string("an empty string"));
  });
  return strings;
}

}  // namespace siglip::server
