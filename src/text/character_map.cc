// See character_map.h. Source: sentencepiece, normalizer.cc (DecodePrecompiledCharsMap,
// NormalizePrefix) and third_party/darts_clone/darts.h (DoubleArrayUnit, commonPrefixSearch).
#include "text/character_map.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "siglip/error.hpp"
#include "text/cluster.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr size_t kMaxMapBytes = size_t{8} << 20;
constexpr int kMaxMatches = 32;  // Normalizer::kMaxTrieResultsSize

struct Unit {
  uint32_t bits;

  bool has_leaf() const { return (bits >> 8 & 1) != 0; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }  // of a leaf
  uint32_t label() const { return bits & 0x800000FF; }  // of a leaf: no byte
  uint32_t offset() const { return (bits >> 10) << ((bits & 0x200) >> 6); }
};

/// Looks at every unit that some text leads to, once: words share their ends, so that ways meet.
class Walk {
 public:
  Walk(std::string_view units, std::string_view replacements, const std::string& name)
      : units_(units.size() / sizeof(Unit)),
        states_(units_.size(), kNew),
        replacements_(replacements),
        name_(name) {
    std::memcpy(units_.data(), units.data(), units_.size() * sizeof(Unit));
  }

  void Check() {
    Enter(0);
    while (!open_.empty()) {
      Node& node = open_.back();
      if (node.next_byte == 256) {
        Leave();
        continue;
      }
      const uint32_t byte = node.next_byte++;
      const size_t child = node.children ^ byte;
      Require(child < units_.size(), "leaves its bounds");
      if (units_[child].label() != byte) continue;
      Require(states_[child] != kOpen, "has a cycle");
      if (states_[child] == kNew) {
        Enter(child);
      } else {
        node.matches_below = std::max(node.matches_below, int{states_[child]});
      }
    }
  }

 private:
  // The state of a unit that is done is the greatest number of matches from it on.
  static constexpr int8_t kNew = -2;
  static constexpr int8_t kOpen = -1;

  struct Node {
    size_t position;
    size_t children;  // exclusive-or of this and a byte is where the byte leads
    uint32_t next_byte;
    int matches_below;
  };

  void Enter(size_t position) {
    states_[position] = kOpen;
    open_.push_back({position, position ^ units_[position].offset(), 0, 0});
  }

  void Leave() {
    const Node node = open_.back();
    open_.pop_back();
    int matches = node.matches_below;
    if (units_[node.position].has_leaf()) {
      const size_t replacement = units_[node.children].value();
      Require(replacement < replacements_.size(), "names no replacement");
      Require((replacements_[replacement] & 0xC0) != 0x80, "names the middle of a character");
      ++matches;
    }
    Require(matches <= kMaxMatches, "has too many matches");
    states_[node.position] = static_cast<int8_t>(matches);
    if (!open_.empty()) open_.back().matches_below = std::max(open_.back().matches_below, matches);
  }

  void Require(bool good, const char* what) const {
    if (good) return;
    throw Error(ErrorCode::kMalformedFile, name_ + ": the character map " + what);
  }

  std::vector<Unit> units_;
  std::vector<int8_t> states_;
  std::vector<Node> open_;  // the way to where the walk is
  std::string_view replacements_;
  const std::string& name_;
};

}  // namespace

void CheckCharacterMap(std::string_view map, const std::string& name) {
  if (map.empty()) return;
  const auto refuse = [&](ErrorCode code, const char* what) {
    return Error(code, name + ": the character map " + what);
  };
  if (map.size() > kMaxMapBytes) throw refuse(ErrorCode::kLimitExceeded, "exceeds 8 MiB");
  // The size of the trie, little-endian, the trie, and replacements that end in zero bytes.
  uint32_t trie_bytes = 0;
  if (map.size() < sizeof(trie_bytes)) throw refuse(ErrorCode::kMalformedFile, "is cut short");
  std::memcpy(&trie_bytes, map.data(), sizeof(trie_bytes));
  map.remove_prefix(sizeof(trie_bytes));
  if (trie_bytes < sizeof(Unit) || trie_bytes % sizeof(Unit) != 0 || trie_bytes >= map.size()) {
    throw refuse(ErrorCode::kMalformedFile, "is cut short");
  }
  if (map.back() != '\0') throw refuse(ErrorCode::kMalformedFile, "has a replacement without end");
  Walk(map.substr(0, trie_bytes), map.substr(trie_bytes), name).Check();
}

CharacterMap::CharacterMap(std::string map, const std::string& name) : map_(std::move(map)) {
  CheckCharacterMap(map_, name);
  if (ToValidUtf8(replacements()) != replacements()) {
    throw Error(ErrorCode::kMalformedFile,
                name + ": the character map has a replacement that is not valid UTF-8");
  }
}

size_t CharacterMap::trie_units() const {
  if (map_.empty()) return 0;
  uint32_t trie_bytes = 0;
  std::memcpy(&trie_bytes, map_.data(), sizeof(trie_bytes));
  return trie_bytes / sizeof(Unit);
}

uint32_t CharacterMap::UnitAt(size_t position) const {
  uint32_t bits = 0;
  std::memcpy(&bits, map_.data() + (1 + position) * sizeof(Unit), sizeof(bits));
  return bits;
}

std::string_view CharacterMap::replacements() const {
  if (map_.empty()) return {};
  return std::string_view(map_).substr((1 + trie_units()) * sizeof(Unit));
}

std::optional<std::string_view> CharacterMap::Find(std::string_view text) const {
  if (map_.empty()) return std::nullopt;
  size_t position = Unit{UnitAt(0)}.offset();
  for (const char character : text) {
    const auto byte = static_cast<uint8_t>(character);
    if (byte == 0) return std::nullopt;
    position ^= byte;
    const Unit unit{UnitAt(position)};
    if (unit.label() != byte) return std::nullopt;
    position ^= unit.offset();
    if (!unit.has_leaf()) continue;
    const std::string_view found = replacements().substr(Unit{UnitAt(position)}.value());
    return found.substr(0, found.find('\0'));
  }
  return std::nullopt;
}

std::string CharacterMap::operator()(std::string_view text, size_t most) const {
  constexpr size_t kMaxWholeCluster = 5;
  std::string mapped;
  const auto append = [&](std::string_view bytes) {
    mapped += Find(bytes).value_or(bytes);
    if (mapped.size() > most) {
      throw Error(ErrorCode::kLimitExceeded,
                  "text: normalised it has more than " + std::to_string(most) + " bytes");
    }
  };
  while (!text.empty()) {
    std::string_view cluster = text.substr(0, ClusterSize(text));
    text.remove_prefix(cluster.size());
    if (cluster.size() <= kMaxWholeCluster && Find(cluster)) {
      append(cluster);
      continue;
    }
    while (!cluster.empty()) {
      const size_t size = FirstCharacter(cluster).size;
      append(cluster.substr(0, size));
      cluster.remove_prefix(size);
    }
  }
  return mapped;
}

}  // namespace siglip
