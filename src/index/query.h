// What is searched for, and how its scores are spread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "siglip/index.hpp"

namespace siglip {

/// Of a query's scores over a sample.
struct ScoreSpread {
  double mean = 0;
  double deviation = 0;
};

/// `sample` is [n, query.size()]. Absent for an empty one.
std::optional<ScoreSpread> SpreadOf(const Kernels& kernels, std::span<const uint16_t> sample,
                                    std::span<const float> query);

/// Of norm 1: the one part, or all in one, see Index::Search. Throws as that does.
std::vector<float> CombineParts(const Kernels& kernels, std::span<const uint16_t> sample,
                                const std::vector<QueryPart>& parts, int64_t dimensions);

}  // namespace siglip
