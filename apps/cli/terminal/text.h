// Text made fit for terminals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siglip::cli {

/// How many characters there are, each taken for one column of a terminal.
size_t Columns(std::string_view text);

/// With blanks before it, so that it takes at least this many columns.
std::string PadLeft(std::string_view text, size_t columns);

/// For a terminal or log: control characters, line ends and bytes that are no UTF-8 become \xNN, so
/// that a file's name can neither break lines nor send commands to the terminal.
std::string Printable(std::string_view text);

}  // namespace siglip::cli
