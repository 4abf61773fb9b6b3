// A unigram language model: the cut of a word whose pieces have the greatest sum of scores.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/token_model.h"

namespace siglip {

/// The field "model" of a tokenizer.json.
struct UnigramParameters {
  std::vector<std::pair<std::string, double>> vocab;  ///< Pieces in the order of their ids.
  int32_t unk_id = 0;
  bool byte_fallback = false;
};

class UnigramModel final : public TokenModel {
 public:
  static constexpr size_t kMaxPieceBytes = 512;

  /// Throws Error(kMalformedFile) naming `name` when the unknown piece is not in the vocabulary or
  /// a score is not finite, Error(kLimitExceeded) for a piece beyond kMaxPieceBytes.
  UnigramModel(UnigramParameters parameters, const std::string& name);

  /// Neighbouring characters without a piece are one unknown piece. Of equal sums the one found
  /// first counts, as in the original.
  void Encode(std::string_view word, std::vector<int32_t>& ids) const override;
  std::optional<int32_t> Find(std::string_view token) const override;
  const std::string* Piece(int64_t id) const override;
  size_t token_count() const override { return vocab_.size(); }
  int32_t largest_id() const override { return static_cast<int32_t>(vocab_.size()) - 1; }

 private:
  /// The best way to an end, by its last piece.
  struct Best {
    double score = 0;
    size_t begin = SIZE_MAX;  // of the last piece; SIZE_MAX where no way leads here
    int32_t id = 0;
  };

  const std::string& text_of(int32_t id) const { return vocab_[static_cast<size_t>(id)].first; }
  std::vector<Best> BestWays(std::string_view word) const;
  void AppendUnknown(std::string_view text, std::vector<int32_t>& ids) const;

  std::vector<std::pair<std::string, double>> vocab_;
  std::vector<int32_t> sorted_;  // ids by text; of equal texts the last id only
  // sorted_ whose texts begin with byte b are [begins_[b], begins_[b + 1]).
  std::array<size_t, 257> begins_ = {};
  std::array<std::optional<int32_t>, 256> byte_ids_ = {};
  int32_t unk_id_;
  double unk_score_ = 0;
  bool byte_fallback_;
};

}  // namespace siglip
