// Unicode's canonical composition.
#pragma once

#include <string>
#include <string_view>

namespace siglip {

/// Normalization Form C of a text of valid UTF-8: unicodedata.normalize("NFC", text) of Python.
std::string ToNfc(std::string_view text);

}  // namespace siglip
