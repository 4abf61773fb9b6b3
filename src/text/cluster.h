// What a reader sees as one character: a letter with its accents.
#pragma once

#include <cstddef>
#include <string_view>

namespace siglip {

/// The bytes of the extended grapheme cluster at the beginning of a text, which must be valid UTF-8
/// and not empty. Hangul letters, Indic conjuncts and joined emoji count as several clusters: each
/// of theirs has more bytes than a CharacterMap replaces as a whole.
size_t ClusterSize(std::string_view text);

}  // namespace siglip
