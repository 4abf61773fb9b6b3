// UTF-8 of foreign texts: where it is well-formed, and how a character is read and written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siglip {

/// The bytes at the beginning of a text, which is not empty, that are those of one character, whole
/// or cut short; at least one.
size_t WellFormedLength(std::string_view text, bool& is_whole);

/// The bytes at the beginning of a text that are valid UTF-8; all of them where the text is.
size_t ValidUtf8Length(std::string_view text);

/// A character at the beginning of a text, and how many bytes it takes.
struct Utf8Character {
  char32_t character;
  size_t size;
};

/// The first character of a text, which must be valid UTF-8 up to there and not empty.
Utf8Character FirstCharacter(std::string_view text);

/// Writes a surrogate, which no valid text holds, in three bytes like any other character.
void AppendUtf8(char32_t character, std::string& text);

}  // namespace siglip
