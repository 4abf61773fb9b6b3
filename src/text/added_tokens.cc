#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/unicode_text.h"

namespace siglip {
namespace {

bool StandsAlone(std::string_view before, std::string_view behind) {
  return (before.empty() || !IsRustWord(LastCharacter(before).character)) &&
         (behind.empty() || !IsRustWord(FirstCharacter(behind).character));
}

std::string_view WithoutSpacesAtEnd(std::string_view text) {
  while (!text.empty() && IsRustSpace(LastCharacter(text).character)) {
    text.remove_suffix(LastCharacter(text).size);
  }
  return text;
}

/// Where the white space ends that begins at a position.
size_t SpacesEnd(std::string_view text, size_t position) {
  while (position < text.size() && IsRustSpace(FirstCharacter(text.substr(position)).character)) {
    position += FirstCharacter(text.substr(position)).size;
  }
  return position;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::ranges::sort(tokens_, {}, &AddedToken::content);
  for (const AddedToken& token : tokens_) ++begins_[static_cast<uint8_t>(token.content[0]) + 1];
  for (size_t byte = 0; byte < 256; ++byte) begins_[byte + 1] += begins_[byte];
}

const AddedToken* AddedTokens::LongestMatch(std::string_view text) const {
  const size_t first_byte = static_cast<uint8_t>(text[0]);
  auto begin = tokens_.begin() + static_cast<ptrdiff_t>(begins_[first_byte]);
  auto end = tokens_.begin() + static_cast<ptrdiff_t>(begins_[first_byte + 1]);
  const AddedToken* longest = nullptr;
  // [begin, end) are the tokens whose first `length` bytes are those of the text.
  for (size_t length = 1; begin != end; ++length) {
    if (begin->content.size() == length) longest = &*begin++;
    if (length == text.size()) break;
    const auto next_byte = [&](const AddedToken& token) {
      return static_cast<uint8_t>(token.content[length]);
    };
    const auto wanted = static_cast<uint8_t>(text[length]);
    begin = std::ranges::lower_bound(begin, end, wanted, {}, next_byte);
    end = std::ranges::upper_bound(begin, end, wanted, {}, next_byte);
  }
  return longest;
}

std::vector<AddedTokens::Piece> AddedTokens::Split(std::string_view text) const {
  std::vector<Piece> pieces;
  size_t piece_begin = 0;
  size_t spaces_end = 0;  // of the white space looked at last, which is never looked at again
  for (size_t i = 0; i < text.size();) {
    const AddedToken* token = LongestMatch(text.substr(i));
    if (token == nullptr) {
      ++i;
      continue;
    }
    size_t begin = i;
    i += token->content.size();
    size_t end = i;
    if (token->single_word && !StandsAlone(text.substr(0, begin), text.substr(end))) continue;
    // The token before may have taken white space that this one begins with. As in the original,
    // it then counts as well, unless it strips its left side and nothing is left of it.
    if (token->lstrip) {
      begin = std::max(begin, piece_begin);
      const std::string_view before = text.substr(piece_begin, begin - piece_begin);
      begin = piece_begin + WithoutSpacesAtEnd(before).size();
    }
    if (token->rstrip) {
      if (end >= spaces_end) spaces_end = SpacesEnd(text, end);
      end = spaces_end;
    }
    if (begin >= end) continue;
    if (piece_begin < begin) {
      pieces.push_back({text.substr(piece_begin, begin - piece_begin), kNoToken});
    }
    pieces.push_back({text.substr(begin, end - begin), token->id});
    piece_begin = end;
  }
  if (piece_begin < text.size()) pieces.push_back({text.substr(piece_begin), kNoToken});
  return pieces;
}

}  // namespace siglip
