// Tokens that are found in a text as they are written, before anything else looks at it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

inline constexpr size_t kMaxAddedTokenBytes = 256;

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool single_word = false;  ///< Does not count next to a letter, digit or underscore.
  bool lstrip = false;       ///< Takes the white space before it along.
  bool rstrip = false;       ///< Takes the white space behind it along.
  bool normalized = false;   ///< Is looked for in the normalised text.
};

class AddedTokens {
 public:
  static constexpr int32_t kNoToken = -1;

  /// Either a token, or a stretch of text between tokens with kNoToken.
  struct Piece {
    std::string_view text;
    int32_t id;
  };

  AddedTokens() = default;
  /// Contents must be different and not empty.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// The text as pieces in their order. Where several tokens match, the leftmost counts, and of
  /// those that begin there the longest.
  std::vector<Piece> Split(std::string_view text) const;

 private:
  const AddedToken* LongestMatch(std::string_view text) const;

  std::vector<AddedToken> tokens_;  // sorted by content
  // tokens_ that begin with byte b are [begins_[b], begins_[b + 1]).
  std::array<size_t, 257> begins_ = {};
};

}  // namespace siglip
