// See json_reader.h. Written out because no library reads what Python's does. Source: CPython,
// Lib/json/decoder.py and scanner.py.
#include "base/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsDigit(char character) { return character >= '0' && character <= '9'; }
bool IsHighSurrogate(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

class Reader {
 public:
  Reader(std::string_view text, JsonRules rules, const std::string& name)
      : text_(text), is_strict_(rules == JsonRules::kStrict), name_(name) {
    if (!is_strict_ && text_.starts_with(kByteOrderMark)) {
      text_.remove_prefix(kByteOrderMark.size());
    }
  }

  Json ReadWhole() {
    const size_t valid = ValidUtf8Length(text_);
    if (valid != text_.size()) {
      at_ = valid;
      Fail("expected UTF-8");
    }
    Json value = ReadValue(0);
    SkipSpace();
    if (at_ != text_.size()) Fail("expected the end of the text");
    return value;
  }

 private:
  /// The next character; a zero byte, which JSON has no use for, behind the last one.
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Take(char character) {
    if (at_ == text_.size() || text_[at_] != character) return false;
    ++at_;
    return true;
  }

  void SkipSpace() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != text_.npos) ++at_;
  }

  Json ReadValue(int depth) {
    SkipSpace();
    const char next = Peek();
    if (next == '{' || next == '[') {
      if (depth == kMaxJsonDepth) {
        throw Error(ErrorCode::kMalformedFile,
                    name_ + ": JSON nested deeper than " + std::to_string(kMaxJsonDepth));
      }
      return next == '{' ? ReadObject(depth + 1) : ReadArray(depth + 1);
    }
    if (next == '"') return ReadString();
    if (next == '-' || IsDigit(next)) return ReadNumber();
    if (TakeWord("null")) return nullptr;
    if (TakeWord("true")) return true;
    if (TakeWord("false")) return false;
    if (!is_strict_ && TakeWord("NaN")) return std::numeric_limits<double>::quiet_NaN();
    if (!is_strict_ && TakeWord("Infinity")) return std::numeric_limits<double>::infinity();
    Fail("expected a value");
  }

  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Json ReadObject(int depth) {
    Json::object_t members;
    ++at_;
    SkipSpace();
    if (Take('}')) return members;
    do {
      SkipSpace();
      if (Peek() != '"') Fail("expected a key in double quotes");
      std::string key = ReadString();
      if (is_strict_ && members.contains(key)) {
        throw Error(ErrorCode::kMalformedFile, name_ + ": duplicate key " + ShownJson(key));
      }
      SkipSpace();
      if (!Take(':')) Fail("expected ':'");
      members.insert_or_assign(std::move(key), ReadValue(depth));
      SkipSpace();
    } while (Take(','));
    if (!Take('}')) Fail("expected ',' or '}'");
    return members;
  }

  Json ReadArray(int depth) {
    Json::array_t elements;
    ++at_;
    SkipSpace();
    if (Take(']')) return elements;
    do {
      elements.push_back(ReadValue(depth));
      SkipSpace();
    } while (Take(','));
    if (!Take(']')) Fail("expected ',' or ']'");
    return elements;
  }

  std::string ReadString() {
    std::string value;
    ++at_;
    while (true) {
      const size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<uint8_t>(text_[at_]) >= 0x20) {
        ++at_;
      }
      value += text_.substr(begin, at_ - begin);
      if (Take('"')) return value;
      if (!Take('\\')) Fail("expected the rest of a string in double quotes");
      AppendEscaped(value);
    }
  }

  void AppendEscaped(std::string& value) {
    if (Take('u')) return AppendUtf8(ReadEscapedCharacter(), value);
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const size_t found = at_ < text_.size() ? kEscapes.find(text_[at_]) : kEscapes.npos;
    if (found == kEscapes.npos) Fail("expected one of \"\\/bfnrtu behind a backslash");
    value += kMeanings[found];
    ++at_;
  }

  /// What \u means whose digits are next; those of the second half of a pair of surrogates follow.
  char32_t ReadEscapedCharacter() {
    const size_t begin = at_;
    const char32_t first = ReadHexadecimal();
    if (IsHighSurrogate(first) && TakeWord("\\u")) {
      const size_t second_begin = at_;
      const char32_t second = ReadHexadecimal();
      if (IsLowSurrogate(second)) {
        return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
      }
      at_ = second_begin - 2;
    }
    if (is_strict_ && (IsHighSurrogate(first) || IsLowSurrogate(first))) {
      at_ = begin;
      Fail("expected both halves of a pair of surrogates");
    }
    return first;
  }

  char32_t ReadHexadecimal() {
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      uint8_t digit = 0;
      const char character = Peek();
      const auto [end, status] = std::from_chars(&character, &character + 1, digit, 16);
      if (status != std::errc()) Fail("expected four hexadecimal digits");
      value = value << 4 | digit;
    }
    return value;
  }

  void RequireDigits() {
    if (!IsDigit(Peek())) Fail("expected a digit");
    while (IsDigit(Peek())) ++at_;
  }

  Json ReadNumber() {
    const size_t begin = at_;
    const bool is_negative = Take('-');
    if (is_negative && !is_strict_ && TakeWord("Infinity")) {
      return -std::numeric_limits<double>::infinity();
    }
    if (!Take('0')) RequireDigits();
    bool is_integer = true;
    if (Take('.')) {
      is_integer = false;
      RequireDigits();
    }
    if (Take('e') || Take('E')) {
      is_integer = false;
      if (!Take('+')) Take('-');
      RequireDigits();
    }
    const std::string_view digits = text_.substr(begin, at_ - begin);
    if (is_integer) {
      int64_t value = 0;
      uint64_t natural = 0;
      if (is_negative ? ReadsAs(digits, value) : ReadsAs(digits, natural)) {
        return is_negative ? Json(value) : Json(natural);
      }
    }
    Json value = Json::parse(digits, nullptr, /*allow_exceptions=*/false);
    if (!value.is_discarded()) return value;
    if (is_strict_) {
      at_ = begin;
      Fail("expected a number in the range of double");
    }
    return (is_negative ? -1 : 1) * std::numeric_limits<double>::infinity();
  }

  template <typename Integer>
  static bool ReadsAs(std::string_view digits, Integer& value) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc();
  }

  std::string Found() const {
    if (at_ == text_.size()) return "the end of the text";
    const auto byte = static_cast<uint8_t>(text_[at_]);
    if (byte > 0x20 && byte < 0x7F) return std::string("'") + text_[at_] + "'";
    if (byte == ' ') return "a space";
    if (byte == '\n' || byte == '\r') return "the end of the line";
    if (byte == '\t') return "a tab";
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    return std::string("byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15];
  }

  /// Counts columns in characters from one on, as Python does.
  [[noreturn]] void Fail(const std::string& expected) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::ranges::count(before, '\n') + 1;
    const size_t line_begin = before.rfind('\n') + 1;  // 0 where there is none
    const auto column = std::ranges::count_if(before.substr(line_begin), [](char byte) {
      return (static_cast<uint8_t>(byte) & 0xC0) != 0x80;
    });
    throw Error(ErrorCode::kMalformedFile,
                name_ + ": not valid JSON: line " + std::to_string(line) + ", column " +
                    std::to_string(column + 1) + ": " + expected + ", found " + Found(),
                at_ == text_.size() ? "it may be cut short: download it again" : "");
  }

  std::string_view text_;
  const bool is_strict_;
  const std::string& name_;
  size_t at_ = 0;
};

}  // namespace

Json ReadJson(std::string_view text, JsonRules rules, const std::string& name) {
  return Reader(text, rules, name).ReadWhole();
}

}  // namespace siglip
