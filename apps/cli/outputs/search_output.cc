#include "outputs/search_output.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/search_json.h"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
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
    if (hit.standout && *hit.standout < apps::kWeakStandout && !std::exchange(weaker, true)) {
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

}  // namespace siglip::cli
