// The cleaning of texts that open_clip does before it tokenizes them.
#pragma once

#include <string>
#include <string_view>

#include "siglip/transformers/tokenizer.hpp"

namespace siglip {

/// ftfy.fix_text without its repair of mojibake (fix_encoding). Throws Error(kLimitExceeded) for a
/// large text whose entities are nested hundreds of times.
std::string FixText(std::string_view text);

/// A text, which is valid UTF-8, as get_clean_fn(...) of open_clip cleans it, but for mojibake.
/// Throws as FixText.
std::string CleanText(std::string_view text, TextCleaning cleaning);

}  // namespace siglip
