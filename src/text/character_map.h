// The character map of a sentencepiece model: a double-array trie (Darts) that replaces sequences
// of characters. sentencepiece follows it without looking at its bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siglip {

/// Throws Error(kMalformedFile) naming `name` unless every text can be looked up safely: no step
/// leaves the trie, no branch comes back to where it was, every replacement ends inside the map,
/// and no text has more matching beginnings than the library has room for. An empty map is none.
void CheckCharacterMap(std::string_view map, const std::string& name);

/// Such a map as the library `tokenizers` follows it ("Precompiled").
class CharacterMap {
 public:
  /// Throws as CheckCharacterMap, and Error(kMalformedFile) where a replacement is not valid UTF-8.
  CharacterMap(std::string map, const std::string& name);

  /// Clusters of up to five bytes whose beginning is in the map become its replacement as a whole,
  /// all other characters each for itself. Throws Error(kLimitExceeded) for a text that becomes
  /// longer than `most` bytes.
  std::string operator()(std::string_view text, size_t most) const;

 private:
  /// The replacement of the shortest beginning of a text that has one.
  std::optional<std::string_view> Find(std::string_view text) const;

  size_t trie_units() const;
  uint32_t UnitAt(size_t position) const;
  std::string_view replacements() const;

  std::string map_;
};

}  // namespace siglip
