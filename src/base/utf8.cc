#include "base/utf8.h"

#include <cstdint>

namespace siglip {
namespace {

/// How many bytes a character takes that begins with this one; 0 if none does.
size_t SequenceLength(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

/// Whether the second byte can follow the first: overlong forms, surrogates and what lies beyond
/// U+10FFFF show there.
bool CanFollowLead(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;
    case 0xED: return second >= 0x80 && second <= 0x9F;
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;
    default: return (second & 0xC0) == 0x80;
  }
}

}  // namespace

size_t WellFormedLength(std::string_view text, bool& is_whole) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t expected = SequenceLength(byte(0));
  size_t length = 1;
  while (length < expected && length < text.size() &&
         (length == 1 ? CanFollowLead(byte(0), byte(1)) : (byte(length) & 0xC0) == 0x80)) {
    ++length;
  }
  is_whole = length == expected;
  return length;
}

size_t ValidUtf8Length(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    if (static_cast<uint8_t>(text[length]) < 0x80) {
      ++length;
      continue;
    }
    bool is_whole = false;
    const size_t character = WellFormedLength(text.substr(length), is_whole);
    if (!is_whole) break;
    length += character;
  }
  return length;
}

Utf8Character FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<uint8_t>(text[i])); };
  const auto rest = [&](size_t i) { return byte(i) & 0x3F; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | rest(1), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | rest(1) << 6 | rest(2), 3};
  return {(lead & 0x07) << 18 | rest(1) << 12 | rest(2) << 6 | rest(3), 4};
}

void AppendUtf8(char32_t character, std::string& text) {
  const auto rest = [&](int shift) {
    return static_cast<char>(0x80 | (character >> shift & 0x3F));
  };
  if (character < 0x80) {
    text += static_cast<char>(character);
  } else if (character < 0x800) {
    text += {static_cast<char>(0xC0 | character >> 6), rest(0)};
  } else if (character < 0x10000) {
    text += {static_cast<char>(0xE0 | character >> 12), rest(6), rest(0)};
  } else {
    text += {static_cast<char>(0xF0 | character >> 18), rest(12), rest(6), rest(0)};
  }
}

}  // namespace siglip
