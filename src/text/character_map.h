// The character map of a sentencepiece model: a double-array trie (Darts) that replaces sequences
// of characters. The library follows it without looking at its bounds.
#pragma once

#include <string>
#include <string_view>

namespace siglip {

/// Throws Error(kMalformedFile) naming `name` unless every text can be looked up safely: no step
/// leaves the trie, no branch comes back to where it was, every replacement ends inside the map,
/// and no text has more matching beginnings than the library has room for. An empty map is none.
void CheckCharacterMap(std::string_view map, const std::string& name);

}  // namespace siglip
