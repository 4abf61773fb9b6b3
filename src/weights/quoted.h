// Foreign text inside an error message.
#pragma once

#include <string>
#include <string_view>

namespace siglip {

/// A name out of a foreign file in quotes: short, on one line, printable whatever its bytes.
std::string Quoted(std::string_view text);

}  // namespace siglip
