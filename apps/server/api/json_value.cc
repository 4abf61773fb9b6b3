#include "server/api/json_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "server/api/json_check.h"

namespace siglip::server {
namespace {

constexpr size_t kShownBytes = 40;

bool IsJsonBlank(char character) {
  return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

size_t AfterBlanks(std::string_view text, size_t position) {
  while (IsJsonBlank(text[position])) ++position;
  return position;
}

/// Where the string ends whose opening quote stands at `position`.
size_t AfterString(std::string_view text, size_t position) {
  ++position;
  while (true) {
    const size_t quote = text.find('"', position);
    size_t backslashes = 0;
    while (text[quote - 1 - backslashes] == '\\') ++backslashes;
    position = quote + 1;
    if (backslashes % 2 == 0) return position;
  }
}

/// Where the value ends that begins at `position`.
size_t AfterValue(std::string_view text, size_t position) {
  if (text[position] == '"') return AfterString(text, position);
  if (text[position] != '{' && text[position] != '[') {
    return std::min(text.find_first_of(",]} \n\r\t", position), text.size());
  }
  size_t depth = 0;
  do {
    switch (text[position]) {
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']': --depth; break;
      case '"': position = AfterString(text, position) - 1; break;
      default: break;
    }
    ++position;
  } while (depth > 0);
  return position;
}

uint32_t FourDigits(std::string_view text) {
  uint32_t unit = 0;
  std::from_chars(text.data(), text.data() + 4, unit, 16);
  return unit;
}

size_t EncodeUtf8(uint32_t character, std::array<char, 4>& bytes) {
  const auto rest = [&](int shift) {
    return static_cast<char>(0x80 | (character >> shift & 0x3F));
  };
  if (character < 0x80) {
    bytes = {static_cast<char>(character)};
    return 1;
  }
  if (character < 0x800) {
    bytes = {static_cast<char>(0xC0 | character >> 6), rest(0)};
    return 2;
  }
  if (character < 0x10000) {
    bytes = {static_cast<char>(0xE0 | character >> 12), rest(6), rest(0)};
    return 3;
  }
  bytes = {static_cast<char>(0xF0 | character >> 18), rest(12), rest(6), rest(0)};
  return 4;
}

/// What the escape at the beginning of `text` stands for, which is taken off.
std::string_view TakeEscape(std::string_view& text, std::array<char, 4>& bytes) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  const char letter = text[1];
  if (letter != 'u') {
    text.remove_prefix(2);
    const size_t index = kLetters.find(letter);
    bytes[0] = index == kLetters.npos ? letter : kMeanings[index];
    return {bytes.data(), 1};
  }
  uint32_t character = FourDigits(text.substr(2));
  text.remove_prefix(6);
  if (character >= 0xD800 && character <= 0xDFFF) {
    character = 0x10000 + ((character - 0xD800) << 10) + (FourDigits(text.substr(2)) - 0xDC00);
    text.remove_prefix(6);
  }
  return {bytes.data(), EncodeUtf8(character, bytes)};
}

}  // namespace

JsonValue JsonValue::Parse(std::string_view body) {
  const std::string_view text = WithoutByteOrderMark(body);
  CheckJson(text);
  const size_t begin = AfterBlanks(text, 0);
  return JsonValue(text.substr(begin, AfterValue(text, begin) - begin));
}

JsonValue::Kind JsonValue::kind() const {
  switch (text_.front()) {
    case 'n': return Kind::kNull;
    case 't':
    case 'f': return Kind::kBool;
    case '"': return Kind::kString;
    case '[': return Kind::kArray;
    case '{': return Kind::kObject;
    default: return Kind::kNumber;
  }
}

std::optional<double> JsonValue::Number() const {
  double number = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<int64_t> JsonValue::Integer() const {
  int64_t integer = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), integer);
  if (error == std::errc() && end == text_.data() + text_.size()) return integer;
  constexpr double kExact = 9007199254740992;  // 2^53
  const std::optional<double> number = Number();
  if (!number || std::trunc(*number) != *number || std::abs(*number) > kExact) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::string JsonValue::String() const {
  std::string string;
  string.reserve(text_.size() - 2);
  VisitPieces([&](std::string_view piece) {
    string += piece;
    return true;
  });
  return string;
}

void JsonValue::VisitPieces(const std::function<bool(std::string_view piece)>& visit) const {
  std::string_view rest = text_.substr(1, text_.size() - 2);
  std::array<char, 4> bytes;
  while (!rest.empty()) {
    const size_t run = std::min(rest.find('\\'), rest.size());
    if (run > 0 && !visit(rest.substr(0, run))) return;
    rest.remove_prefix(run);
    if (!rest.empty() && !visit(TakeEscape(rest, bytes))) return;
  }
}

void JsonValue::VisitItems(const std::function<bool(size_t index, JsonValue value)>& visit) const {
  size_t position = AfterBlanks(text_, 1);
  for (size_t index = 0; text_[position] != ']'; ++index) {
    const size_t end = AfterValue(text_, position);
    if (!visit(index, JsonValue(text_.substr(position, end - position)))) return;
    position = AfterBlanks(text_, end);
    if (text_[position] == ',') position = AfterBlanks(text_, position + 1);
  }
}

void JsonValue::VisitFields(
    const std::function<void(std::string key, JsonValue value)>& visit) const {
  size_t position = AfterBlanks(text_, 1);
  while (text_[position] != '}') {
    const size_t key_end = AfterString(text_, position);
    std::string key = JsonValue(text_.substr(position, key_end - position)).String();
    position = AfterBlanks(text_, AfterBlanks(text_, key_end) + 1);
    const size_t end = AfterValue(text_, position);
    visit(std::move(key), JsonValue(text_.substr(position, end - position)));
    position = AfterBlanks(text_, end);
    if (text_[position] == ',') position = AfterBlanks(text_, position + 1);
  }
}

std::string JsonValue::Described() const {
  std::string shown = text_.size() <= kShownBytes
                          ? std::string(text_)
                          : std::string(text_.substr(0, kShownBytes)) + "...";
  switch (kind()) {
    case Kind::kNull:
    case Kind::kBool: return shown;
    case Kind::kNumber: return "the number " + shown;
    case Kind::kString: return "the string " + shown;
    case Kind::kArray: return "a list";
    case Kind::kObject: return "an object";
  }
  return shown;
}

}  // namespace siglip::server
