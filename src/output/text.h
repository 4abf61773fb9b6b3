// Names of any bytes, and numbers, made into text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace siglip {

/// Takes one character off the front of `text`, which must not be empty. A byte that is no part of
/// valid UTF-8 comes back as U+DC00 + byte, as Python's os.fsdecode does it, so that nothing is
/// lost.
char32_t TakeCodePoint(std::string_view& text);

/// A quoted JSON string. Bytes that are no UTF-8 become U+FFFD.
std::string JsonQuoted(std::string_view text);

/// "path":"cat.jpg" for an object of JSON lines. Where the path is no UTF-8, "path_base64" with its
/// exact bytes follows.
std::string JsonPath(std::string_view path);

/// In digits of RFC 4648, padded.
std::string Base64(std::string_view bytes);

/// SHA-256 of the bytes, in 64 hexadecimal digits.
std::string Sha256Digits(std::string_view bytes);

/// The bytes that Base64 has written so; absent for other text.
std::optional<std::string> FromBase64(std::string_view text);

/// The shortest number that reads back as the same float.
std::string ExactNumber(float value);

}  // namespace siglip
