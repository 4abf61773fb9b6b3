// Text made fit for where it goes: terminals, JSON, names of any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siglip::cli {

/// Takes one character off the front of `text`, which must not be empty. A byte that is no part of
/// valid UTF-8 comes back as U+DC00 + byte, as Python's os.fsdecode does it, so that nothing is
/// lost.
char32_t TakeCodePoint(std::string_view& text);

bool IsUtf8(std::string_view text);

/// How many characters there are, each taken for one column of a terminal.
size_t Columns(std::string_view text);

/// For a terminal or log: control characters, line ends and bytes that are no UTF-8 become \xNN, so
/// that a file's name can neither break lines nor send commands to the terminal.
std::string Printable(std::string_view text);

/// A quoted JSON string. Bytes that are no UTF-8 become U+FFFD.
std::string JsonQuoted(std::string_view text);

/// "path":"cat.jpg" for an object of JSON lines. Where the path is no UTF-8, "path_base64" with its
/// exact bytes follows.
std::string JsonPath(std::string_view path);

std::string Base64(std::string_view bytes);

}  // namespace siglip::cli
