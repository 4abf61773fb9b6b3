#include "text/unicode_text.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "text/unicode_tables.h"

namespace siglip {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalIWithDot = 0x130;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The last range that begins at or before the character, or null.
template <typename Range>
const Range* RangeFor(std::span<const Range> ranges, char32_t character) {
  const auto after = std::ranges::upper_bound(ranges, character, {}, &Range::first);
  return after == ranges.begin() ? nullptr : &*(after - 1);
}

char32_t Lowered(std::span<const CaseRange> ranges, char32_t character) {
  const CaseRange* range = RangeFor(ranges, character);
  if (range == nullptr || character > range->last ||
      (character - range->first) % range->step != 0) {
    return character;
  }
  return static_cast<char32_t>(static_cast<int32_t>(character) + range->difference);
}

/// Unicode's condition Final_Sigma: a cased letter before it and none behind it, where characters
/// such as accents and apostrophes are passed over.
bool IsFinalSigma(std::string_view before, std::string_view behind) {
  const auto is_ignorable = [](char32_t c) { return IsIn(CaseIgnorableRanges(), c); };
  const auto is_cased = [](char32_t c) { return IsIn(CasedRanges(), c); };
  while (!before.empty() && is_ignorable(LastCharacter(before).character)) {
    before.remove_suffix(LastCharacter(before).size);
  }
  if (before.empty() || !is_cased(LastCharacter(before).character)) return false;
  while (!behind.empty() && is_ignorable(FirstCharacter(behind).character)) {
    behind.remove_prefix(FirstCharacter(behind).size);
  }
  return behind.empty() || !is_cased(FirstCharacter(behind).character);
}

/// Lower case of everything but a capital sigma.
void AppendLower(char32_t character, std::string& text) {
  if (character == kCapitalIWithDot) {
    text += "i\xCC\x87";  // an i and a combining dot above
  } else {
    AppendUtf8(Lowered(LowercaseRanges(), character), text);
  }
}

void AppendAsciiLower(char character, std::string& text) {
  text +=
      static_cast<char>(character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character);
}

}  // namespace

bool IsIn(std::span<const CharacterRange> ranges, char32_t character) {
  const CharacterRange* range = RangeFor(ranges, character);
  return range != nullptr && character <= range->last;
}

std::string ToValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    bool is_whole = false;
    const size_t length = WellFormedLength(text, is_whole);
    valid += is_whole ? text.substr(0, length) : kReplacement;
    text.remove_prefix(length);
  }
  return valid;
}

Utf8Character LastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while ((static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return FirstCharacter(text.substr(begin));
}

std::string ReplaceAll(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string replaced;
  replaced.reserve(text.size());
  while (true) {
    const size_t found = text.find(pattern);
    replaced += text.substr(0, found);
    if (found == std::string_view::npos) return replaced;
    replaced += content;
    text.remove_prefix(found + pattern.size());
  }
}

std::string LowerAsPython(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto [character, size] = FirstCharacter(text.substr(i));
    if (character < 0x80) {
      AppendAsciiLower(text[i], lower);
    } else if (character == kCapitalSigma) {
      const bool is_final = IsFinalSigma(text.substr(0, i), text.substr(i + size));
      AppendUtf8(is_final ? kFinalSigma : kSmallSigma, lower);
    } else {
      AppendLower(character, lower);
    }
    i += size;
  }
  return lower;
}

std::string LowerAsRust(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto [character, size] = FirstCharacter(text.substr(i));
    if (character < 0x80) {
      AppendAsciiLower(text[i], lower);
    } else {
      AppendLower(Lowered(LaterLowercaseRanges(), character), lower);
    }
    i += size;
  }
  return lower;
}

bool IsPythonSpace(char32_t character) {
  return IsRustSpace(character) || (character >= 0x1C && character <= 0x1F);
}

bool IsRustSpace(char32_t character) {
  if (character < 0x80) return character == ' ' || (character >= 0x09 && character <= 0x0D);
  return character == 0x85 || character == 0xA0 || character == 0x1680 ||
         (character >= 0x2000 && character <= 0x200A) || character == 0x2028 ||
         character == 0x2029 || character == 0x202F || character == 0x205F || character == 0x3000;
}

bool IsAsciiPunctuation(char32_t character) {
  return (character >= '!' && character <= '/') || (character >= ':' && character <= '@') ||
         (character >= '[' && character <= '`') || (character >= '{' && character <= '~');
}

bool IsAsciiLetter(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool IsRustWord(char32_t character) { return IsIn(WordRanges(), character); }

}  // namespace siglip
