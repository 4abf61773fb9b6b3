// What the tests of searches share: made vectors and the scores of a full comparison.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "index/exact_search.h"
#include "kernels/reference.h"
#include "tensor/float16.h"

namespace siglip {

/// Vectors by content id, in the place of a database.
using StoredVectors = std::map<int64_t, std::vector<uint16_t>>;

inline std::vector<float> RandomDirection(size_t dimensions, std::mt19937& generator) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimensions);
  for (float& value : vector) value = normal(generator);
  return vector;
}

/// sum of weights[i] * parts[i], of norm 1.
inline std::vector<float> Mixed(const std::vector<std::vector<float>>& parts,
                                const std::vector<float>& weights) {
  std::vector<float> sum(parts.front().size());
  for (size_t part = 0; part < parts.size(); ++part) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += weights[part] * parts[part][i];
  }
  double squares = 0;
  for (const float value : sum) squares += static_cast<double>(value) * value;
  for (float& value : sum) value = static_cast<float>(value / std::sqrt(squares));
  return sum;
}

inline std::vector<uint16_t> ToHalves(const std::vector<float>& vector) {
  std::vector<uint16_t> halves;
  for (const float value : vector) halves.push_back(FloatToFloat16(value));
  return halves;
}

/// `count` vectors of norm 1 in clusters that share a mean, as embeddings of pictures do; ids leave
/// gaps.
inline StoredVectors ClusteredVectors(size_t count, size_t dimensions, uint32_t seed) {
  std::mt19937 generator(seed);
  const std::vector<float> mean = RandomDirection(dimensions, generator);
  std::vector<std::vector<float>> centres;
  for (size_t i = 0; i < 1 + count / 50; ++i) {
    centres.push_back(RandomDirection(dimensions, generator));
  }
  StoredVectors vectors;
  for (size_t i = 0; i < count; ++i) {
    const std::vector<float>& centre = centres[generator() % centres.size()];
    vectors[static_cast<int64_t>(3 * i + 1 + generator() % 3)] =
        ToHalves(Mixed({mean, centre, RandomDirection(dimensions, generator)}, {0.7F, 1.0F, 0.6F}));
  }
  return vectors;
}

/// The first k by score and id, scored by the definition alone.
inline std::vector<ScoredContent> FullComparison(const StoredVectors& vectors,
                                                 std::span<const float> query, size_t k,
                                                 const ContentFilter* filter = nullptr) {
  std::vector<ScoredContent> hits;
  for (const auto& [id, halves] : vectors) {
    if (filter != nullptr && !filter->Contains(id)) continue;
    hits.push_back({id, reference::DotHalves(query, halves)});
  }
  // Ids ascend, so those of equal scores come in their order.
  std::ranges::stable_sort(hits, std::greater<>(), &ScoredContent::score);
  hits.resize(std::min(hits.size(), k));
  return hits;
}

}  // namespace siglip
