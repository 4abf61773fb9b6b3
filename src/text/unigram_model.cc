// See unigram_model.h. Source: tokenizers, models/unigram/model.rs (encode_optimized, tokenize).
#include "text/unigram_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "siglip/error.hpp"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr double kUnknownPenalty = 10.0;

}  // namespace

UnigramModel::UnigramModel(UnigramParameters parameters, const std::string& name)
    : vocab_(std::move(parameters.vocab)),
      unk_id_(parameters.unk_id),
      byte_fallback_(parameters.byte_fallback) {
  if (unk_id_ < 0 || unk_id_ > largest_id()) {
    throw Error(ErrorCode::kMalformedFile,
                name + ": field 'model.unk_id': " + std::to_string(unk_id_) +
                    " is not in the vocabulary of " + std::to_string(vocab_.size()) + " pieces");
  }
  double least = std::numeric_limits<double>::infinity();
  for (size_t id = 0; id < vocab_.size(); ++id) {
    const auto& [text, score] = vocab_[id];
    const std::string key = name + ": field 'model.vocab[" + std::to_string(id) + "]': ";
    if (!std::isfinite(score)) {
      throw Error(ErrorCode::kMalformedFile, key + "its score is no finite number");
    }
    if (text.size() > kMaxPieceBytes) {
      throw Error(ErrorCode::kLimitExceeded, key + std::to_string(text.size()) +
                                                 " bytes, allowed are " +
                                                 std::to_string(kMaxPieceBytes));
    }
    least = std::min(least, score);
    if (!text.empty()) sorted_.push_back(static_cast<int32_t>(id));
  }
  unk_score_ = least - kUnknownPenalty;
  const auto text = [&](int32_t id) -> const std::string& { return text_of(id); };
  std::ranges::stable_sort(sorted_, {}, text);
  // Of pieces that are there twice the later one counts.
  const auto is_last = [&](size_t i) {
    return i + 1 == sorted_.size() || text(sorted_[i]) != text(sorted_[i + 1]);
  };
  size_t kept = 0;
  for (size_t i = 0; i < sorted_.size(); ++i) {
    if (is_last(i)) sorted_[kept++] = sorted_[i];
  }
  sorted_.resize(kept);
  for (const int32_t id : sorted_) ++begins_[static_cast<uint8_t>(text_of(id)[0]) + 1];
  for (size_t byte = 0; byte < 256; ++byte) begins_[byte + 1] += begins_[byte];
  for (size_t byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = Find(ByteToken(static_cast<uint8_t>(byte)));
  }
}

std::optional<int32_t> UnigramModel::Find(std::string_view token) const {
  const auto text = [&](int32_t id) -> std::string_view { return text_of(id); };
  const auto found = std::ranges::lower_bound(sorted_, token, {}, text);
  if (found == sorted_.end() || text(*found) != token) return std::nullopt;
  return *found;
}

const std::string* UnigramModel::Piece(int64_t id) const {
  return id < 0 || id > largest_id() ? nullptr : &text_of(static_cast<int32_t>(id));
}

std::vector<UnigramModel::Best> UnigramModel::BestWays(std::string_view word) const {
  std::vector<Best> best(word.size() + 1);
  const auto offer = [&](size_t begin, size_t size, double score, int32_t id) {
    Best& end = best[begin + size];
    const double sum = score + best[begin].score;
    if (end.begin == SIZE_MAX || sum > end.score) end = {sum, begin, id};
  };
  for (size_t i = 0; i < word.size();) {
    const size_t character = FirstCharacter(word.substr(i)).size;
    bool has_piece = false;  // for this character alone
    const auto first = static_cast<uint8_t>(word[i]);
    auto begin = sorted_.begin() + static_cast<ptrdiff_t>(begins_[first]);
    auto end = sorted_.begin() + static_cast<ptrdiff_t>(begins_[first + 1]);
    // [begin, end) are the pieces whose first `size` bytes are those here.
    for (size_t size = 1; begin != end; ++size) {
      if (text_of(*begin).size() == size) {
        offer(i, size, vocab_[static_cast<size_t>(*begin)].second, *begin);
        has_piece |= size == character;
        ++begin;
      }
      if (i + size == word.size()) break;
      const auto next = [&](int32_t id) { return static_cast<uint8_t>(text_of(id)[size]); };
      const auto wanted = static_cast<uint8_t>(word[i + size]);
      begin = std::ranges::lower_bound(begin, end, wanted, {}, next);
      end = std::ranges::upper_bound(begin, end, wanted, {}, next);
    }
    if (!has_piece) offer(i, character, unk_score_, unk_id_);
    i += character;
  }
  return best;
}

void UnigramModel::AppendUnknown(std::string_view text, std::vector<int32_t>& ids) const {
  if (const auto id = Find(text)) {
    ids.push_back(*id);
    return;
  }
  const auto has_id = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)].has_value(); };
  if (!byte_fallback_ || !std::ranges::all_of(text, has_id)) {
    ids.push_back(unk_id_);
    return;
  }
  for (const char byte : text) ids.push_back(*byte_ids_[static_cast<uint8_t>(byte)]);
}

void UnigramModel::Encode(std::string_view word, std::vector<int32_t>& ids) const {
  const std::vector<Best> best = BestWays(word);
  struct Cut {
    size_t begin;
    size_t end;
    int32_t id;
  };
  std::vector<Cut> cuts;  // from the end
  for (size_t end = word.size(); end > 0; end = best[end].begin) {
    const auto& [score, begin, id] = best[end];
    if (id == unk_id_ && !cuts.empty() && cuts.back().id == unk_id_) {
      cuts.back().begin = begin;
    } else {
      cuts.push_back({begin, end, id});
    }
  }
  std::ranges::reverse(cuts);
  for (const auto& [begin, end, id] : cuts) {
    if (id == unk_id_) {
      AppendUnknown(word.substr(begin, end - begin), ids);
    } else {
      ids.push_back(id);
    }
  }
}

}  // namespace siglip
