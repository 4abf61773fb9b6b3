// See unicode_normalization.h. Source: the Unicode Standard, chapter 3, D108 to D117 and 3.12.
#include "text/unicode_normalization.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "text/cleaning_tables.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

// Hangul syllables are numbered by their letters.
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeads = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTrails = 0x11A7;  // none, and those behind it
constexpr char32_t kLeadCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTrailCount;

// No smaller character has parts, is one, or combines.
constexpr char32_t kFirstAffected = 0xC0;

struct Symbol {
  char32_t character;
  uint8_t combining_class;
};

bool IsOneOf(char32_t character, char32_t first, char32_t count) {
  return character >= first && character < first + count;
}

uint8_t CombiningClass(char32_t character) {
  const auto ranges = CombiningRanges();
  const auto after = std::ranges::upper_bound(ranges, character, {}, &CombiningRange::first);
  if (after == ranges.begin() || character > (after - 1)->last) return 0;
  return (after - 1)->combining_class;
}

void AppendParts(char32_t character, std::vector<Symbol>& symbols) {
  if (character < kFirstAffected) {
    symbols.push_back({character, 0});
    return;
  }
  if (IsOneOf(character, kSyllables, kSyllableCount)) {
    const char32_t index = character - kSyllables;
    symbols.push_back({kLeads + index / (kVowelCount * kTrailCount), 0});
    symbols.push_back({kVowels + index / kTrailCount % kVowelCount, 0});
    const char32_t trail = index % kTrailCount;
    if (trail != 0) symbols.push_back({kTrails + trail, 0});
    return;
  }
  const auto table = Decompositions();
  const auto found = std::ranges::lower_bound(table, character, {}, &Decomposition::character);
  if (found == table.end() || found->character != character) {
    symbols.push_back({character, CombiningClass(character)});
    return;
  }
  AppendParts(found->first, symbols);
  if (found->second != 0) AppendParts(found->second, symbols);
}

/// What two characters make together; 0 if nothing.
char32_t Composed(char32_t first, char32_t second) {
  if (IsOneOf(first, kLeads, kLeadCount) && IsOneOf(second, kVowels, kVowelCount)) {
    return kSyllables + ((first - kLeads) * kVowelCount + second - kVowels) * kTrailCount;
  }
  if (IsOneOf(first, kSyllables, kSyllableCount) && (first - kSyllables) % kTrailCount == 0 &&
      IsOneOf(second, kTrails + 1, kTrailCount - 1)) {
    return first + second - kTrails;
  }
  const auto table = Compositions();
  const auto pair_of = [](const Composition& composition) {
    return std::pair(composition.first, composition.second);
  };
  const std::pair pair(first, second);
  const auto found = std::ranges::lower_bound(table, pair, {}, pair_of);
  return found == table.end() || pair_of(*found) != pair ? 0 : found->character;
}

/// Puts every stretch of combining characters in order.
void Sort(std::vector<Symbol>& symbols) {
  for (auto begin = symbols.begin(); begin != symbols.end();) {
    if (begin->combining_class == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, symbols.end(),
                                  [](const Symbol& symbol) { return symbol.combining_class == 0; });
    std::stable_sort(begin, end, [](const Symbol& left, const Symbol& right) {
      return left.combining_class < right.combining_class;
    });
    begin = end;
  }
}

void Compose(std::vector<Symbol>& symbols) {
  size_t starter = symbols.size();  // none yet
  size_t kept = 0;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const Symbol symbol = symbols[i];
    if (starter < kept) {
      const bool is_next = kept == starter + 1;
      const bool is_blocked =
          !is_next && symbols[kept - 1].combining_class >= symbol.combining_class;
      const char32_t composed =
          is_blocked ? 0 : Composed(symbols[starter].character, symbol.character);
      if (composed != 0) {
        symbols[starter].character = composed;
        continue;
      }
    }
    if (symbol.combining_class == 0) starter = kept;
    symbols[kept++] = symbol;
  }
  symbols.resize(kept);
}

}  // namespace

std::string ToNfc(std::string_view text) {
  const auto is_affected = [](char byte) { return static_cast<uint8_t>(byte) >= 0xC3; };
  if (std::ranges::none_of(text, is_affected)) return std::string(text);
  std::vector<Symbol> symbols;
  symbols.reserve(text.size());
  while (!text.empty()) {
    const auto [character, size] = FirstCharacter(text);
    AppendParts(character, symbols);
    text.remove_prefix(size);
  }
  Sort(symbols);
  Compose(symbols);
  std::string composed;
  for (const Symbol& symbol : symbols) AppendUtf8(symbol.character, composed);
  return composed;
}

}  // namespace siglip
