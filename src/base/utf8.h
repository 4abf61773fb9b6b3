// UTF-8 of foreign texts: where it is well-formed, and how a character is written.
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

/// Writes a surrogate, which no valid text holds, in three bytes like any other character.
void AppendUtf8(char32_t character, std::string& text);

}  // namespace siglip
