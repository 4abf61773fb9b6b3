// See bpe_model.h. Source: tokenizers, models/bpe/model.rs (merge_word) and word.rs (merge_all).
#include "text/bpe_model.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "siglip/error.hpp"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr int32_t kNone = -1;

}  // namespace

BpeModel::BpeModel(BpeParameters parameters, const std::string& name)
    : vocab_(std::move(parameters.vocab)),
      fuse_unk_(parameters.fuse_unk),
      byte_fallback_(parameters.byte_fallback),
      ignore_merges_(parameters.ignore_merges),
      ranks_(parameters.merges.size()) {
  IndexVocabulary(name);
  if (parameters.unk_token) {
    unk_id_ = Find(*parameters.unk_token);
    if (!unk_id_) {
      throw Error(ErrorCode::kMalformedFile,
                  name + ": field 'model.unk_token': " + QuotedToken(*parameters.unk_token) +
                      " is not in the vocabulary");
    }
  }
  AddMerges(parameters.merges, name);
}

void BpeModel::IndexVocabulary(const std::string& name) {
  std::ranges::sort(vocab_, {}, &std::pair<std::string, int32_t>::second);
  ids_.reserve(vocab_.size());
  int32_t previous_id = kNone;
  for (const auto& [token, id] : vocab_) {
    if (id == previous_id) {
      throw Error(ErrorCode::kMalformedFile, name + ": field 'model.vocab': " + QuotedToken(token) +
                                                 " has the id " + std::to_string(id) +
                                                 " of another token");
    }
    previous_id = id;
    if (!ids_.emplace(token, id).second) {
      throw Error(ErrorCode::kMalformedFile,
                  name + ": field 'model.vocab': " + QuotedToken(token) + " is there twice");
    }
    if (token.empty()) continue;
    const auto [character, size] = FirstCharacter(token);
    if (size != token.size()) continue;
    if (character >= character_ids_.size()) character_ids_.resize(character + 1, kNone);
    character_ids_[character] = id;
  }
  for (int byte = 0; byte < 256; ++byte) {
    byte_ids_[static_cast<size_t>(byte)] =
        Find(ByteToken(static_cast<uint8_t>(byte))).value_or(kNone);
  }
}

void BpeModel::AddMerges(const std::vector<std::pair<std::string, std::string>>& merges,
                         const std::string& name) {
  merged_ids_.reserve(merges.size());
  const auto id_of = [&](const std::string& token) {
    if (const auto id = Find(token)) return *id;
    throw Error(ErrorCode::kMalformedFile,
                name + ": field 'model.merges[" + std::to_string(merged_ids_.size()) +
                    "]': " + QuotedToken(token) + " is not in the vocabulary");
  };
  for (const auto& [left, right] : merges) {
    const int32_t left_id = id_of(left);
    const int32_t right_id = id_of(right);
    const int32_t merged_id = id_of(left + right);
    ranks_.Set(left_id, right_id, static_cast<uint32_t>(merged_ids_.size()));
    merged_ids_.push_back(merged_id);
  }
}

std::optional<int32_t> BpeModel::Find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string* BpeModel::Piece(int64_t id) const {
  const auto found =
      std::ranges::lower_bound(vocab_, id, {}, &std::pair<std::string, int32_t>::second);
  return found == vocab_.end() || found->second != id ? nullptr : &found->first;
}

std::vector<int32_t> BpeModel::InitialIds(std::string_view word) const {
  std::vector<int32_t> ids;
  ids.reserve(word.size());
  bool unk_is_due = false;  // it is written when the next known character comes
  const auto write_unk = [&] {
    if (unk_is_due) ids.push_back(*unk_id_);
    unk_is_due = false;
  };
  while (!word.empty()) {
    const auto [character, size] = FirstCharacter(word);
    const std::string_view bytes = word.substr(0, size);
    word.remove_prefix(size);
    const auto byte_id = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    if (character < character_ids_.size() && character_ids_[character] != kNone) {
      write_unk();
      ids.push_back(character_ids_[character]);
    } else if (byte_fallback_ && std::ranges::find(bytes, kNone, byte_id) == bytes.end()) {
      // As in the original, a pending unknown token stays behind the bytes.
      std::ranges::transform(bytes, std::back_inserter(ids), byte_id);
    } else if (unk_id_) {
      if (!fuse_unk_) write_unk();
      unk_is_due = true;
    }
  }
  write_unk();
  return ids;
}

void BpeModel::Encode(std::string_view word, std::vector<int32_t>& ids) const {
  if (ignore_merges_) {
    if (const auto id = Find(word)) {
      ids.push_back(*id);
      return;
    }
  }
  const std::vector<int32_t> initial_ids = InitialIds(word);
  if (initial_ids.empty()) return;
  std::vector<Symbol> symbols;
  symbols.reserve(initial_ids.size());
  const auto count = static_cast<int32_t>(initial_ids.size());
  for (int32_t i = 0; i < count; ++i) {
    const bool is_last = i + 1 == count;
    const auto index = static_cast<size_t>(i);
    symbols.push_back(
        {initial_ids[index], i - 1, is_last ? kNone : i + 1,
         is_last ? PairTable::kNoRank : ranks_.Find(initial_ids[index], initial_ids[index + 1])});
  }
  Merge(symbols);
  for (int32_t i = 0; i != kNone; i = symbols[static_cast<size_t>(i)].next) {
    ids.push_back(symbols[static_cast<size_t>(i)].id);
  }
}

void BpeModel::Merge(std::vector<Symbol>& symbols) const {
  // A min-heap of (rank, position): the earliest merge first, and of equal ones the leftmost.
  // Entries are not taken back when a neighbour changes; what has expired is passed over.
  std::vector<uint64_t> heap;
  heap.reserve(symbols.size());
  const auto entry = [](uint32_t rank, size_t position) {
    return static_cast<uint64_t>(rank) << 32 | position;
  };
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].rank != PairTable::kNoRank) heap.push_back(entry(symbols[i].rank, i));
  }
  std::ranges::make_heap(heap, std::greater());
  const auto update_rank = [&](size_t position) {
    Symbol& symbol = symbols[position];
    symbol.rank = symbol.next == kNone
                      ? PairTable::kNoRank
                      : ranks_.Find(symbol.id, symbols[static_cast<size_t>(symbol.next)].id);
    if (symbol.rank == PairTable::kNoRank) return;
    heap.push_back(entry(symbol.rank, position));
    std::ranges::push_heap(heap, std::greater());
  };
  while (!heap.empty()) {
    const auto rank = static_cast<uint32_t>(heap.front() >> 32);
    const size_t position = heap.front() & UINT32_MAX;
    std::ranges::pop_heap(heap, std::greater());
    heap.pop_back();
    Symbol& left = symbols[position];
    // As in the original, an entry holds as long as merging there makes the same token.
    if (left.rank == PairTable::kNoRank || merged_ids_[left.rank] != merged_ids_[rank]) continue;
    Symbol& right = symbols[static_cast<size_t>(left.next)];
    left.id = merged_ids_[rank];
    left.next = right.next;
    right.rank = PairTable::kNoRank;
    if (left.next != kNone) {
      symbols[static_cast<size_t>(left.next)].previous = static_cast<int32_t>(position);
    }
    if (left.previous != kNone) update_rank(static_cast<size_t>(left.previous));
    update_rank(position);
  }
}

}  // namespace siglip
