#include "common/search_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "output/text.h"

namespace siglip::apps {
namespace {

template <class Value>
nlohmann::json OrNull(const std::optional<Value>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

/// What only an index knows is empty in a hit of embeddings alone.
template <class Value>
nlohmann::json KnownOrNull(const Value& value) {
  return value == Value() ? nlohmann::json() : nlohmann::json(value);
}

std::string Dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string HitJson(const Hit& hit) {
  // In this order, which a map of names would not keep.
  std::vector<std::string> fields;
  const auto add = [&](const char* name, const nlohmann::json& value) {
    fields.push_back("\"" + std::string(name) + "\":" + Dumped(value));
  };
  add("id", hit.id);
  add("hash", KnownOrNull(hit.hash));
  fields.push_back(JsonPath(hit.path));
  add("score", hit.score);
  add("standout", OrNull(hit.standout));
  if (hit.probability) add("probability", *hit.probability);
  add("width", KnownOrNull(hit.width));
  add("height", KnownOrNull(hit.height));
  add("taken", hit.taken ? nlohmann::json(hit.taken->ToString()) : nlohmann::json());
  if (hit.archived) add("archived", true);
  add("copies", hit.copies);
  add("alike", hit.alike);
  std::string text;
  for (const std::string& field : fields) text += (text.empty() ? "{" : ",") + field;
  return text + "}";
}

}  // namespace

std::string SearchJson(const SearchResult& result, double milliseconds, std::string_view object) {
  std::string text = "{";
  if (!object.empty()) text += "\"object\":" + JsonQuoted(object) + ",";
  text += "\"total\":" + std::to_string(result.total) +
          ",\"took_ms\":" + Dumped(std::round(1e3 * milliseconds) / 1e3) +
          ",\"mean\":" + Dumped(OrNull(result.mean)) +
          ",\"deviation\":" + Dumped(OrNull(result.deviation)) + ",\"data\":[";
  for (const Hit& hit : result.hits) {
    if (text.back() != '[') text += ",";
    text += HitJson(hit);
  }
  return text + "]}\n";
}

}  // namespace siglip::apps
