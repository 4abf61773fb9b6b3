// Searching embeddings of pictures that are in no index: those of a file that siglip embed wrote.
//
//   siglip::EmbeddingSearch search(768);
//   for (int64_t row = 0; row < rows; ++row) search.Add(row, paths[row], vectors[row]);
//   auto found = search.Search({{.vector = words, .is_text = true}}, {.top = 20});
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/index.hpp"
#include "siglip/runtime.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {

/// Embeddings in memory, found as an index finds them: with the same scores and in the same order,
/// to the bit, where both have the same embeddings. Adding is for one thread; then any number may
/// search.
class SIGLIP_EXPORT EmbeddingSearch {
 public:
  /// For vectors of `dimension` numbers, D. `logits` judge lone texts; without them hits have no
  /// probability. Searches run on the runtime's threads; null: one of its own, on all CPUs. Throws
  /// Error(kInvalidArgument) for a dimension below 1.
  explicit EmbeddingSearch(int64_t dimension, const std::optional<SiglipLogits>& logits = {},
                           std::shared_ptr<const Runtime> runtime = nullptr);
  EmbeddingSearch(EmbeddingSearch&&) noexcept;
  ~EmbeddingSearch();

  /// A picture, by the number of its row, and its embedding [D]; rows may be left out. The vector
  /// is kept as binary16 numbers, as an index has it, after division by its norm; one that is of
  /// norm 1 within the rounding of binary16 is not divided again. Throws Error naming row and path:
  /// kMismatch for another D, kInvalidArgument for a vector that is zero or not finite and for a
  /// row that is negative or not behind the one before, kLimitExceeded from row 2^32 on.
  void Add(int64_t row, const std::string& path, std::span<const float> vector);

  /// As Index::Search. Of a hit `id` is the row and `path` what was added with it;
  /// what only a picture could tell is left empty, and nothing is folded. The sample is of all rows
  /// up to 4,096, else of those whose paths have the smallest XXH3. A filter can only say `under`,
  /// for which relative paths are those from the current folder; Error(kInvalidArgument) for
  /// others.
  SearchResult Search(const std::vector<QueryPart>& parts, const SearchOptions& options = {}) const;

 private:
  struct SIGLIP_HIDDEN Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace siglip
