// Tables of characters; written by scripts/make_unicode_tables.py.
#pragma once

#include <cstdint>
#include <span>

namespace siglip {

/// All characters of [first, last].
struct CharacterRange {
  char32_t first;
  char32_t last;
};

/// Every step-th character of [first, last] becomes, in lower case, itself plus the difference.
struct CaseRange {
  char32_t first;
  char32_t last;
  uint32_t step;
  int32_t difference;
};

/// Whether one of several sorted ranges holds a character.
bool IsIn(std::span<const CharacterRange> ranges, char32_t character);

// Each sorted.
std::span<const CaseRange> LowercaseRanges();
std::span<const CaseRange> LaterLowercaseRanges();  ///< Letters of Unicode 16 and 17.
std::span<const CharacterRange> CasedRanges();      ///< Without those that are case-ignorable.
std::span<const CharacterRange> CaseIgnorableRanges();
std::span<const CharacterRange> WordRanges();

}  // namespace siglip
