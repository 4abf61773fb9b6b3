#include "terminal/text.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace siglip::cli {
namespace {

struct Utf8Lead {
  int length = 0;  ///< Bytes of the character; 0: this byte begins none.
  char32_t bits = 0;
  char32_t least = 0;  ///< Smaller values have a shorter form and are refused.
};

Utf8Lead ReadLead(unsigned char byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xC2 && byte < 0xE0) return {2, static_cast<char32_t>(byte & 0x1F), 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {3, static_cast<char32_t>(byte & 0x0F), 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return {4, static_cast<char32_t>(byte & 0x07), 0x10000};
  return {};
}

constexpr char32_t kLostByte = 0xDC00;

bool IsSurrogate(char32_t character) { return character >= 0xD800 && character < 0xE000; }

}  // namespace

char32_t TakeCodePoint(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const auto [length, bits, least] = ReadLead(first);
  char32_t character = bits;
  bool valid = length > 0 && static_cast<size_t>(length) <= text.size();
  for (int i = 1; valid && i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[static_cast<size_t>(i)]);
    valid = (byte & 0xC0) == 0x80;
    character = (character << 6) | (byte & 0x3F);
  }
  valid = valid && character >= least && character <= 0x10FFFF && !IsSurrogate(character);
  text.remove_prefix(valid ? static_cast<size_t>(length) : 1);
  return valid ? character : kLostByte + first;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    if (IsSurrogate(TakeCodePoint(text))) return false;
  }
  return true;
}

size_t Columns(std::string_view text) {
  size_t columns = 0;
  for (; !text.empty(); ++columns) TakeCodePoint(text);
  return columns;
}

std::string Printable(std::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t character = TakeCodePoint(text);
    const std::string_view bytes = before.substr(0, before.size() - text.size());
    const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    if (!control && !IsSurrogate(character)) {
      printable += bytes;
      continue;
    }
    for (const char byte : bytes) {
      std::array<char, 5> escaped;
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned char>(byte));
      printable += escaped.data();
    }
  }
  return printable;
}

std::string JsonQuoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string JsonPath(std::string_view path) {
  std::string fields = "\"path\":" + JsonQuoted(path);
  if (!IsUtf8(path)) fields += ",\"path_base64\":\"" + Base64(path) + "\"";
  return fields;
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;  // 24 bits, zeros where the bytes end
    for (size_t j = i; j < i + 3; ++j) {
      group = (group << 8) | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
    }
    const size_t digits = bytes.size() - i >= 3 ? 4 : bytes.size() - i + 1;
    for (size_t digit = 0; digit < 4; ++digit) {
      encoded += digit < digits ? kDigits[(group >> (18 - 6 * digit)) & 63] : '=';
    }
  }
  return encoded;
}

}  // namespace siglip::cli
