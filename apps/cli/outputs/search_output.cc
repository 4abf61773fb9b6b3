#include "outputs/search_output.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "output/text.h"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

std::string PadLeft(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

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
  add("copies", hit.copies);
  add("alike", hit.alike);
  std::string text;
  for (const std::string& field : fields) text += (text.empty() ? "{" : ",") + field;
  return text + "}";
}

}  // namespace

std::string Percent(double probability) {
  const double percent = 100 * probability;
  return (percent < 0.05 ? "<0.1" : FormatNumber(percent, 1)) + " %";
}

std::string Remarks(const Hit& hit) {
  std::string text;
  const auto add = [&](size_t count, const char* one, const char* many) {
    if (count == 0) return;
    text += (text.empty() ? "+" : ", +") + std::to_string(count) + " " + (count == 1 ? one : many);
  };
  add(hit.copies.size(), "copy", "copies");
  add(hit.alike.size(), "alike", "alike");
  return text;
}

std::string SearchTable(const SearchResult& result) {
  if (result.hits.empty()) return "no pictures found\n";
  const bool with_standout = result.deviation.has_value();
  const bool with_probability = result.hits.front().probability.has_value();
  constexpr size_t kScoreColumns = 7;
  constexpr size_t kStandoutColumns = 10;
  constexpr size_t kProbabilityColumns = 13;
  std::string text = PadLeft("score", kScoreColumns);
  if (with_standout) text += PadLeft("standout", kStandoutColumns);
  if (with_probability) text += PadLeft("probability", kProbabilityColumns);
  text += "\n";
  bool weaker = false;
  for (const Hit& hit : result.hits) {
    if (hit.standout && *hit.standout < kWeakStandout && !std::exchange(weaker, true)) {
      text += "weaker matches:\n";
    }
    text += PadLeft(FormatNumber(hit.score, 4), kScoreColumns);
    if (hit.standout) text += PadLeft(FormatNumber(*hit.standout, 1), kStandoutColumns);
    if (hit.probability) text += PadLeft(Percent(*hit.probability), kProbabilityColumns);
    const std::string remarks = Remarks(hit);
    text += "  " + Printable(hit.path) + (remarks.empty() ? "" : "  (" + remarks + ")") + "\n";
  }
  return text;
}

std::string SearchJson(const SearchResult& result, double milliseconds) {
  std::string text = "{\"total\":" + std::to_string(result.total) +
                     ",\"took_ms\":" + FormatNumber(milliseconds, 3) +
                     ",\"mean\":" + Dumped(OrNull(result.mean)) +
                     ",\"deviation\":" + Dumped(OrNull(result.deviation)) + ",\"data\":[";
  for (const Hit& hit : result.hits) {
    if (text.back() != '[') text += ",";
    text += HitJson(hit);
  }
  return text + "]}\n";
}

}  // namespace siglip::cli
