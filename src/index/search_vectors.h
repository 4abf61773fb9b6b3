// One search, wherever the vectors are from: of the parts of a query and the vectors the hits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/exact_search.h"
#include "index/search_filter.h"
#include "index/search_state.h"
#include "kernels/compute_runtime.h"
#include "siglip/index.hpp"

namespace siglip {

/// What is known of contents besides the vectors that are held.
class HitSource {
 public:
  virtual ~HitSource() = default;

  /// As ReadHalves of SearchedVectors.
  virtual bool ReadHalves(int64_t id, std::span<uint16_t> halves) = 0;
  /// Takes the next content, by descending score, into the first hit that shows the same picture.
  /// False where there is none.
  virtual bool Fold(const ScoredContent& content, std::vector<Hit>& hits) = 0;
  virtual Hit Read(const ScoredContent& content) = 0;
};

/// See Index::Search. Found are contents that pass, or all that are present.
SearchResult SearchVectors(const ComputeRuntime& runtime, const SearchState& state,
                           const std::optional<Passing>& passing, HitSource& source,
                           const std::vector<QueryPart>& parts, const SearchOptions& options);

}  // namespace siglip
