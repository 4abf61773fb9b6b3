// What open_clip's text cleaning knows; written by scripts/make_cleaning_tables.py.
#pragma once

#include <cstdint>
#include <span>

#include "text/unicode_tables.h"

namespace siglip {

struct CharacterText {
  char32_t character;
  const char* text;
};

/// A character in its canonical parts; the second is 0 where there is only one.
struct Decomposition {
  char32_t character;
  char32_t first;
  char32_t second;
};

struct Composition {
  char32_t first;
  char32_t second;
  char32_t character;
};

/// All characters of [first, last] have this canonical combining class.
struct CombiningRange {
  char32_t first;
  char32_t last;
  uint8_t combining_class;
};

struct EntityText {
  const char* name;  // without "&", with ";" where it must have one
  const char* text;
};

// Each sorted; Hangul syllables, which are composed by arithmetic, are in none.
std::span<const CharacterText> ReplacedCharacters();  ///< C1, ligatures, widths, quotes.
std::span<const CharacterRange> RemovedCharacters();  ///< Control characters.
std::span<const CharacterRange> DigitRanges();        ///< \d of Python's regular expressions.
std::span<const Decomposition> Decompositions();
std::span<const Composition> Compositions();
std::span<const CombiningRange> CombiningRanges();
// Of clusters: what belongs to the character before it, to the one behind it, and to neither.
std::span<const CharacterRange> ExtendingCharacters();
std::span<const CharacterRange> PrependedCharacters();
std::span<const CharacterRange> ControlCharacters();  ///< Of those up to U+FFFF.
std::span<const EntityText> Entities();               ///< Of HTML 5.
std::span<const EntityText> CapitalEntities();        ///< Those that ftfy knows besides.

}  // namespace siglip
