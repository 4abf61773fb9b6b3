// See text_cleaning.h. Source: open_clip 3.3, tokenizer.py; ftfy 6.3, __init__.py and fixes.py.
#include "text/text_cleaning.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

#include "siglip/error.hpp"
#include "text/cleaning_tables.h"
#include "text/html_entities.h"
#include "text/unicode_normalization.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr size_t kMaxSegmentCharacters = 1'000'000;
/// ftfy repeats its fixes until nothing changes: once for every "amp;" of "&amp;amp;amp;".
constexpr size_t kMaxFixedBytes = 32 * kMaxTextBytes;

/// C1 control characters, ligatures, widths and quotes.
std::string ReplaceCharacters(std::string_view text) {
  const auto table = ReplacedCharacters();
  std::string replaced;
  replaced.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto [character, size] = FirstCharacter(text.substr(i));
    const auto found = character < 0x80 ? table.end()
                                        : std::ranges::lower_bound(table, character, {},
                                                                   &CharacterText::character);
    if (found != table.end() && found->character == character) {
      replaced += found->text;
    } else {
      replaced.append(text, i, size);
    }
    i += size;
  }
  return replaced;
}

std::string UnixLineBreaks(std::string text) {
  for (const char* line_break : {"\r\n", "\r", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xC2\x85"}) {
    if (text.find(line_break) != std::string::npos) text = ReplaceAll(text, line_break, "\n");
  }
  return text;
}

/// How many bytes a sequence takes such as "\e[1;31m" at the beginning of a text; 0 if none does.
size_t TerminalEscapeSize(std::string_view text) {
  if (!text.starts_with("\x1B[")) return 0;
  for (size_t i = 2; i < text.size();) {
    const auto [character, size] = FirstCharacter(text.substr(i));
    i += size;
    if (character < 0x80 && IsAsciiLetter(text[i - 1])) return i;
    if (character != ';' && !IsIn(DigitRanges(), character)) return 0;
  }
  return 0;
}

std::string WithoutTerminalEscapes(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  while (true) {
    const size_t escape = text.find('\x1B');
    kept += text.substr(0, escape);
    if (escape == std::string_view::npos) return kept;
    text.remove_prefix(escape);
    const size_t size = TerminalEscapeSize(text);
    if (size == 0) kept += text[0];
    text.remove_prefix(std::max<size_t>(size, 1));
  }
}

std::string WithoutControlCharacters(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto [character, size] = FirstCharacter(text.substr(i));
    const bool is_printed = character >= 0x20 && character < 0x7F;
    if (is_printed || !IsIn(RemovedCharacters(), character)) kept.append(text, i, size);
    i += size;
  }
  return kept;
}

/// Whether every fix would leave the text alone.
bool IsPlain(std::string_view text) {
  return std::ranges::all_of(text, [](char character) {
    const auto byte = static_cast<uint8_t>(character);
    return (byte >= 0x20 && byte < 0x7F && byte != '&') || byte == '\t' || byte == '\n';
  });
}

/// ftfy.fix_and_explain. `fixed_bytes` counts what was gone through.
std::string FixSegment(std::string_view segment, bool unescapes, size_t& fixed_bytes) {
  std::string text(segment);
  if (IsPlain(text)) return text;
  while (true) {
    fixed_bytes += text.size();
    if (fixed_bytes > kMaxFixedBytes) {
      throw Error(ErrorCode::kLimitExceeded, "text: its HTML entities are nested too deeply");
    }
    std::string fixed = ReplaceCharacters(unescapes ? UnescapeWholeEntities(text) : text);
    fixed = WithoutTerminalEscapes(UnixLineBreaks(std::move(fixed)));
    fixed = ToNfc(WithoutControlCharacters(fixed));
    if (fixed == text) return fixed;
    text = std::move(fixed);
  }
}

/// The bytes of the next line with its break, of at most kMaxSegmentCharacters.
size_t SegmentSize(std::string_view text) {
  const size_t line_break = text.find('\n');
  const size_t line = line_break == std::string_view::npos ? text.size() : line_break + 1;
  if (line <= kMaxSegmentCharacters) return line;
  size_t size = 0;
  for (size_t i = 0; i < kMaxSegmentCharacters && size < line; ++i) {
    size += FirstCharacter(text.substr(size)).size;
  }
  return size;
}

std::string CollapseWhiteSpace(std::string_view text) {
  std::string collapsed;
  collapsed.reserve(text.size());
  bool space_is_due = false;
  while (!text.empty()) {
    const auto [character, size] = FirstCharacter(text);
    if (IsPythonSpace(character)) {
      space_is_due = !collapsed.empty();
    } else {
      if (space_is_due) collapsed += ' ';
      space_is_due = false;
      collapsed += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return collapsed;
}

std::string WithoutPunctuation(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  std::ranges::copy_if(text, std::back_inserter(kept),
                       [](char character) { return !IsAsciiPunctuation(character); });
  return kept;
}

}  // namespace

std::string FixText(std::string_view text) {
  std::string fixed;
  fixed.reserve(text.size());
  bool unescapes = true;
  size_t fixed_bytes = 0;
  while (!text.empty()) {
    const std::string_view segment = text.substr(0, SegmentSize(text));
    // From a "<" on it may be real HTML.
    if (segment.find('<') != std::string_view::npos) unescapes = false;
    fixed += FixSegment(segment, unescapes, fixed_bytes);
    text.remove_prefix(segment.size());
  }
  return fixed;
}

std::string CleanText(std::string_view text, TextCleaning cleaning) {
  if (cleaning == TextCleaning::kNone) return std::string(text);
  const std::string basic = UnescapeHtml(UnescapeHtml(FixText(text)));
  if (cleaning == TextCleaning::kCanonicalize) {
    // Unlike SigLIP's own canonical text, letters are lowered when punctuation is gone.
    const std::string words = WithoutPunctuation(ReplaceAll(basic, "_", " "));
    return CollapseWhiteSpace(LowerAsPython(words));
  }
  const std::string collapsed = CollapseWhiteSpace(basic);
  return cleaning == TextCleaning::kLower ? LowerAsPython(collapsed) : collapsed;
}

}  // namespace siglip
