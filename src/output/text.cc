#include "output/text.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"

namespace siglip {
namespace {

constexpr char32_t kLostByte = 0xDC00;

/// Of base64.
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

char32_t TakeCodePoint(std::string_view& text) {
  bool is_whole = false;
  const size_t length = WellFormedLength(text, is_whole);
  const char32_t character =
      is_whole ? FirstCharacter(text).character : kLostByte + static_cast<uint8_t>(text.front());
  text.remove_prefix(is_whole ? length : 1);
  return character;
}

std::string Base64(std::string_view bytes) {
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

std::optional<std::string> FromBase64(std::string_view text) {
  std::string_view digits = text;
  for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
  std::string bytes;
  uint32_t group = 0;
  int bits = 0;  // of the group, not yet in a byte
  for (const char digit : digits) {
    const size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    group = (group << 6 | static_cast<uint32_t>(value)) & 0xFFFFU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xFFU);
  }
  if (Base64(bytes) != text) return std::nullopt;  // other lengths, bits that say nothing
  return bytes;
}

std::string JsonQuoted(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string JsonPath(std::string_view path) {
  std::string fields = "\"path\":" + JsonQuoted(path);
  if (ValidUtf8Length(path) < path.size()) fields += ",\"path_base64\":\"" + Base64(path) + "\"";
  return fields;
}

std::string Sha256Digits(std::string_view bytes) { return Sha256Of(bytes); }

std::string ExactNumber(float value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace siglip
