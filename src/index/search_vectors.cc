#include "index/search_vectors.h"

#include <algorithm>
#include <cmath>

#include "index/query.h"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {
namespace {

/// With fewer the deviation says little.
constexpr size_t kFewVectors = 100;

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// What the model was trained to judge: how well one text fits.
bool IsLoneText(const std::vector<QueryPart>& parts) {
  return parts.size() == 1 && parts.front().is_text && !(parts.front().weight < 0);
}

/// Those with the highest scores, those alike folded into one.
std::vector<Hit> FindHits(const ComputeRuntime& runtime, const SearchState& state,
                          const ContentFilter& filter, size_t total, HitSource& source,
                          std::span<const float> query, const SearchOptions& options) {
  const SearchedVectors vectors = {.dimensions = state.dimensions(),
                                   .scan_file = state.scan ? &*state.scan : nullptr,
                                   .held_ids = state.held_ids,
                                   .held_halves = state.held_halves,
                                   .read = [&](int64_t id, std::span<uint16_t> halves) {
                                     return source.ReadHalves(id, halves);
                                   }};
  const auto top = static_cast<size_t>(std::max<int64_t>(options.top, 0));
  // More than are shown, since some fold into others; yet more where many do.
  for (size_t wanted = 2 * top + 16;; wanted *= 4) {
    const std::vector<ScoredContent> best = ExactSearch(runtime, vectors, query, wanted, &filter);
    std::vector<Hit> hits;
    bool full = false;
    for (const ScoredContent& content : best) {
      if (options.min_score && content.score < *options.min_score) full = true;
      if (full) break;
      if (options.fold && source.Fold(content, hits)) continue;
      if (hits.size() == top) {
        full = true;
      } else {
        hits.push_back(source.Read(content));
      }
    }
    if (full || best.size() < wanted || wanted >= total) return hits;
  }
}

}  // namespace

SearchResult SearchVectors(const ComputeRuntime& runtime, const SearchState& state,
                           const std::optional<Passing>& passing, HitSource& source,
                           const std::vector<QueryPart>& parts, const SearchOptions& options) {
  const Kernels& kernels = runtime.kernels();
  const std::vector<float> query = CombineParts(kernels, state.sample, parts, state.dimensions());
  SearchResult result;
  result.total = passing ? passing->count : state.present_count;
  const std::optional<ScoreSpread> spread = SpreadOf(kernels, state.sample, query);
  if (spread && state.sample.size() / query.size() >= kFewVectors && spread->deviation > 0) {
    result.mean = spread->mean;
    result.deviation = spread->deviation;
  }
  result.hits = FindHits(runtime, state, passing ? passing->contents : state.present,
                         static_cast<size_t>(result.total), source, query, options);
  for (Hit& hit : result.hits) {
    if (result.deviation) hit.standout = (hit.score - *result.mean) / *result.deviation;
    if (!IsLoneText(parts) || !state.space.logit_scale) continue;
    const SiglipLogits logits(static_cast<float>(*state.space.logit_scale),
                              static_cast<float>(*state.space.logit_bias));
    hit.probability = Sigmoid(logits(hit.score));
  }
  return result;
}

}  // namespace siglip
