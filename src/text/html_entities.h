// Character references of HTML, as Python's html module and ftfy replace them.
#pragma once

#include <string>
#include <string_view>

namespace siglip {

/// Python's html.unescape: also names without a semicolon that HTML allows ("&ampx" is "&x").
std::string UnescapeHtml(std::string_view text);

/// ftfy.fixes.unescape_html: whole references with a semicolon only, and some names in capitals.
std::string UnescapeWholeEntities(std::string_view text);

}  // namespace siglip
