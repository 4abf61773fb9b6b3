#include "server/http/target.h"

#include <algorithm>
#include <optional>

#include "siglip/error.hpp"

namespace siglip::server {
namespace {

[[noreturn]] void RefuseTarget(const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, "target of the request: " + reason);
}

std::optional<unsigned> HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return std::nullopt;
}

/// How many bytes the character at the front of `text` has; 0 if it is no UTF-8: too long a form,
/// half of a pair of UTF-16, above U+10FFFF, cut off.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? text[i] & 0xFFu : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool refused = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                       (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return refused ? 0 : length;
}

void CheckDecoded(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) RefuseTarget("its decoded bytes are not UTF-8");
    if (length == 1 && (text[0] < ' ' || text[0] == 0x7F)) RefuseTarget("a control character");
    text.remove_prefix(length);
  }
}

std::string Decode(std::string_view text, bool in_query) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && in_query) {
      decoded += ' ';
    } else if (text[i] == '%') {
      const auto high = i + 1 < text.size() ? HexDigit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? HexDigit(text[i + 2]) : std::nullopt;
      if (!high || !low) RefuseTarget("a \"%\" must be followed by two hexadecimal digits");
      decoded += static_cast<char>(*high * 16 + *low);
      if (decoded.back() == '/' && !in_query) RefuseTarget("an encoded \"/\" in the path");
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  CheckDecoded(decoded);
  return decoded;
}

/// Cuts `text` at the first `separator` and leaves what follows it.
std::string_view TakeUntil(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

void CheckSegments(std::string_view path) {
  while (!path.empty()) {
    const std::string_view segment = TakeUntil(path, '/');
    if (segment == "." || segment == "..") RefuseTarget("a segment \".\" or \"..\" in the path");
  }
}

}  // namespace

const std::string* Target::Find(std::string_view name) const {
  const auto found = std::find_if(query.begin(), query.end(),
                                  [&](const QueryPair& pair) { return pair.name == name; });
  return found == query.end() ? nullptr : &found->value;
}

Target ParseTarget(std::string_view text) {
  if (!text.starts_with('/')) RefuseTarget("it must begin with \"/\"");
  if (text.find('#') != text.npos) RefuseTarget("a \"#\"");
  Target target;
  target.path = Decode(TakeUntil(text, '?'), false);
  CheckSegments(target.path);
  while (!text.empty()) {
    std::string_view value = TakeUntil(text, '&');
    if (value.empty()) continue;
    const std::string_view name = TakeUntil(value, '=');
    target.query.push_back({Decode(name, true), Decode(value, true)});
  }
  return target;
}

}  // namespace siglip::server
