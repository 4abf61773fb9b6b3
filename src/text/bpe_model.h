// Byte pair encoding over a vocabulary and a ranked list of merges.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/pair_table.h"
#include "text/token_model.h"

namespace siglip {

/// The field "model" of a tokenizer.json.
struct BpeParameters {
  std::vector<std::pair<std::string, int32_t>> vocab;
  std::vector<std::pair<std::string, std::string>> merges;  ///< The first one is done first.
  std::optional<std::string> unk_token;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
};

class BpeModel final : public TokenModel {
 public:
  /// Throws Error(kMalformedFile) naming `name` when two tokens have one id, when a merge names or
  /// makes a token that is not in the vocabulary, or when the unknown token is not in it.
  BpeModel(BpeParameters parameters, const std::string& name);

  /// Appends the ids of one word, merged across all of it.
  void Encode(std::string_view word, std::vector<int32_t>& ids) const override;

  std::optional<int32_t> Find(std::string_view token) const override;
  const std::string* Piece(int64_t id) const override;
  size_t token_count() const override { return vocab_.size(); }
  int32_t largest_id() const override { return vocab_.empty() ? -1 : vocab_.back().second; }

 private:
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next;   // -1 behind the last one
    uint32_t rank;  // of the merge with the next symbol
  };

  void IndexVocabulary(const std::string& name);
  void AddMerges(const std::vector<std::pair<std::string, std::string>>& merges,
                 const std::string& name);
  std::vector<int32_t> InitialIds(std::string_view word) const;
  void Merge(std::vector<Symbol>& symbols) const;

  std::vector<std::pair<std::string, int32_t>> vocab_;  // sorted by id
  std::unordered_map<std::string_view, int32_t> ids_;   // its keys are in vocab_
  std::vector<int32_t> character_ids_;                  // by code point; kNone where there is none
  std::array<int32_t, 256> byte_ids_ = {};              // of <0x00> to <0xFF>
  std::optional<int32_t> unk_id_;
  bool fuse_unk_;
  bool byte_fallback_;
  bool ignore_merges_;
  std::vector<int32_t> merged_ids_;  // by rank
  PairTable ranks_;
};

}  // namespace siglip
