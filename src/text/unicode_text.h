// UTF-8 and letter case, as the two languages see them that the reference tokenizers are written
// in: SigLIP's canonicalises with Python's strings, SigLIP 2's normalises with Rust's characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace siglip {

/// What stands for a space in the pieces of a vocabulary: U+2581.
inline constexpr std::string_view kSpacePiece = "\xE2\x96\x81";

/// The text with every ill-formed sequence replaced by U+FFFD, as Python decodes with
/// errors="replace": one for each longest beginning of a character that is cut short.
std::string ToValidUtf8(std::string_view text);

/// The last character of a text, which must be valid UTF-8 and not empty.
Utf8Character LastCharacter(std::string_view text);

/// Every occurrence of a pattern, which is not empty, from the left.
std::string ReplaceAll(std::string_view text, std::string_view pattern, std::string_view content);

/// Python's str.lower(): a sigma at the end of a word becomes a final one. Python 3.11 to 3.13.
std::string LowerAsPython(std::string_view text);
/// Rust's char::to_lowercase() of each character, whatever stands beside it.
std::string LowerAsRust(std::string_view text);

/// Python's str.isspace(), which is \s of its regular expressions, too.
bool IsPythonSpace(char32_t character);
/// Unicode's White_Space, \s of Rust's regular expressions: without the ASCII separators 1C to 1F.
bool IsRustSpace(char32_t character);
/// Whether Python's string.punctuation holds it.
bool IsAsciiPunctuation(char32_t character);
bool IsAsciiLetter(char character);
/// \w of Rust's regular expressions.
bool IsRustWord(char32_t character);

}  // namespace siglip
