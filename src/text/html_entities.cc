// See html_entities.h. Source: Python, Lib/html/__init__.py; ftfy 6.3, fixes.py and chardata.py.
#include "text/html_entities.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "text/cleaning_tables.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr char32_t kLastCharacter = 0x10FFFF;
constexpr size_t kMaxNameCharacters = 32;
constexpr size_t kMaxWholeName = 24;  // letters and digits

/// What the numbers 128 to 159 mean: bytes of Windows-1252.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::optional<std::string_view> Find(std::span<const EntityText> entities, std::string_view name) {
  const auto found = std::ranges::lower_bound(
      entities, name, {}, [](const EntityText& entity) { return std::string_view(entity.name); });
  if (found == entities.end() || found->name != name) return std::nullopt;
  return found->text;
}

/// Numbers of characters that a reference must not name.
bool IsInvalid(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || (c >= 0xE && c <= 0x1F) || (c >= 0x7F && c <= 0x9F) ||
         (c >= 0xFDD0 && c <= 0xFDEF) || c == 0xB || (c & 0xFFFE) == 0xFFFE;
}

std::string NumberedCharacter(char32_t number) {
  std::string text;
  if (number >= 0x80 && number < 0xA0) {
    AppendUtf8(kWindows1252[number - 0x80], text);
  } else if (number == 0 || (number >= 0xD800 && number < 0xE000) || number > kLastCharacter) {
    AppendUtf8(0xFFFD, text);
  } else if (!IsInvalid(number)) {
    AppendUtf8(number, text);
  }
  return text;
}

struct Reference {
  size_t size = 0;  // with the "&" and the semicolon; 0 where there is none
  std::string text;
};

/// A reference by number at the beginning of a text that begins with "&#".
Reference Numbered(std::string_view text) {
  const bool is_hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  const size_t begin = is_hex ? 3 : 2;
  size_t end = begin;
  char32_t number = 0;
  for (; end < text.size() && (is_hex ? IsHexDigit(text[end]) : IsDigit(text[end])); ++end) {
    const char c = text[end];
    const auto digit = static_cast<char32_t>(IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    number = std::min<char32_t>(number * (is_hex ? 16 : 10) + digit, kLastCharacter + 1);
  }
  if (end == begin) return {};
  if (end < text.size() && text[end] == ';') ++end;
  return {end, NumberedCharacter(number)};
}

/// A reference by name at the beginning of a text that begins with "&".
Reference Named(std::string_view text) {
  constexpr std::string_view kEnds("\t\n\f <&#;");
  size_t end = 1;
  for (size_t i = 0; i < kMaxNameCharacters && end < text.size(); ++i) {
    if (kEnds.find(text[end]) != std::string_view::npos) break;
    end += FirstCharacter(text.substr(end)).size;
  }
  if (end == 1) return {};
  if (end < text.size() && text[end] == ';') ++end;
  const std::string_view name = text.substr(1, end - 1);
  // The longest beginning that is a name; names are of ASCII and have two letters at least.
  for (size_t size = name.size(); size >= 2; --size) {
    if (const auto found = Find(Entities(), name.substr(0, size))) {
      return {1 + size, std::string(*found)};
    }
  }
  return {};
}

/// A whole reference as ftfy sees it at the beginning of a text that begins with "&".
Reference Whole(std::string_view text) {
  const bool is_number = text.size() > 1 && text[1] == '#';
  size_t end = is_number ? 2 : 1;
  const size_t most = std::min(text.size(), end + kMaxWholeName);
  const size_t begin = end;
  while (end < most && (IsDigit(text[end]) || IsAsciiLetter(text[end]))) ++end;
  if (end == begin || end == text.size() || text[end] != ';') return {};
  ++end;
  if (is_number) {
    Reference reference = Numbered(text.substr(0, end));
    // One that stands for a semicolon, or holds more than a number, stays as it is.
    if (reference.size != end || reference.text == ";") return {};
    return reference;
  }
  const std::string_view name = text.substr(1, end - 1);
  auto found = Find(Entities(), name);
  if (!found) found = Find(CapitalEntities(), name);
  if (!found) return {};
  return {end, std::string(*found)};
}

template <typename ReferenceAt>
std::string Replace(std::string_view text, const ReferenceAt& reference_at) {
  std::string replaced;
  replaced.reserve(text.size());
  while (true) {
    const size_t found = text.find('&');
    replaced += text.substr(0, found);
    if (found == std::string_view::npos) return replaced;
    text.remove_prefix(found);
    const Reference reference = reference_at(text);
    replaced += reference.size == 0 ? std::string_view("&") : std::string_view(reference.text);
    text.remove_prefix(std::max<size_t>(reference.size, 1));
  }
}

}  // namespace

std::string UnescapeHtml(std::string_view text) {
  return Replace(text, [](std::string_view rest) {
    return rest.size() > 1 && rest[1] == '#' ? Numbered(rest) : Named(rest);
  });
}

std::string UnescapeWholeEntities(std::string_view text) { return Replace(text, Whole); }

}  // namespace siglip
