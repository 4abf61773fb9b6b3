// See character_map.h. Source: sentencepiece, normalizer.cc (DecodePrecompiledCharsMap,
// NormalizePrefix) and third_party/darts_clone/darts.h (DoubleArrayUnit, commonPrefixSearch).
#include "text/character_map.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "siglip/error.h"

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
  Walk(std::string_view units, size_t replacement_bytes, const std::string& name)
      : units_(units.size() / sizeof(Unit)),
        states_(units_.size(), kNew),
        replacement_bytes_(replacement_bytes),
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
      Require(units_[node.children].value() < replacement_bytes_, "names no replacement");
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
  size_t replacement_bytes_;
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
  Walk(map.substr(0, trie_bytes), map.size() - trie_bytes, name).Check();
}

}  // namespace siglip
