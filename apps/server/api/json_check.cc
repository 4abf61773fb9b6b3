#include "server/api/json_check.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "output/text.h"
#include "server/api/api_error.h"
#include "server/api/json_value.h"

namespace siglip::server {
namespace {

bool IsDigit(char character) { return character >= '0' && character <= '9'; }

std::string Shown(char character) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(character);
  if (byte > ' ' && byte < 0x7F) return std::string("'") + character + "'";
  return std::string("byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

/// Whether any of eight bytes ends a plain run of a string: a quote, a backslash, a control
/// character or what is no ASCII.
bool HasSpecial(const char* bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x8080808080808080;
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  // Bytes below `limit`, given that none is above 127; those above are found by their high bit.
  const auto below = [&](uint64_t value, uint64_t limit) { return value - kOnes * limit; };
  return ((word | below(word, 0x20) | below(word ^ (kOnes * '"'), 1) |
           below(word ^ (kOnes * '\\'), 1)) &
          kHigh) != 0;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  void Check() {
    SkipBlanks();
    Value(0);
    SkipBlanks();
    if (position_ < text_.size()) Fail("expected the end behind the value");
  }

 private:
  [[noreturn]] void Fail(const std::string& expected) const {
    throw ApiError(400, "malformed_json",
                   "the body is not valid JSON at byte " + std::to_string(position_) + ": " +
                       expected + ", found " +
                       (position_ < text_.size() ? Shown(text_[position_]) : "the end"));
  }
  [[noreturn]] void Refuse(const std::string& why) const {
    throw ApiError(
        400, "malformed_json",
        "the body is refused, as JSON, at byte " + std::to_string(position_) + ": " + why);
  }

  bool At(char character) const {
    return position_ < text_.size() && text_[position_] == character;
  }
  bool Take(char character) {
    if (!At(character)) return false;
    ++position_;
    return true;
  }
  void SkipBlanks() {
    while (At(' ') || At('\n') || At('\r') || At('\t')) ++position_;
  }

  void Value(int depth) {
    if (At('{') || At('[')) {
      if (depth == kMaxJsonDepth) {
        Refuse("nested more than " + std::to_string(kMaxJsonDepth) + " deep");
      }
      if (At('{')) {
        Object(depth);
      } else {
        Array(depth);
      }
    } else if (At('"')) {
      String();
    } else if (At('-') || (position_ < text_.size() && IsDigit(text_[position_]))) {
      Number();
    } else {
      Literal();
    }
  }

  void Object(int depth) {
    const size_t first_key = keys_.size();
    ++position_;
    SkipBlanks();
    if (Take('}')) return;
    do {
      SkipBlanks();
      if (!At('"')) Fail("expected the name of a field in quotes");
      Key(first_key);
      SkipBlanks();
      if (!Take(':')) Fail("expected ':' behind the name of a field");
      SkipBlanks();
      Value(depth + 1);
      SkipBlanks();
    } while (Take(','));
    if (!Take('}')) Fail("expected ',' or '}'");
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_key);
    std::sort(begin, keys_.end());
    const auto equal = std::adjacent_find(begin, keys_.end());
    if (equal != keys_.end()) Refuse("two fields called \"" + *equal + "\" in one object");
    keys_.resize(first_key);
  }

  void Key(size_t first_key) {
    const size_t begin = position_;
    String();
    const std::string_view raw = text_.substr(begin, position_ - begin);
    if (raw.size() > kMaxJsonKeyBytes + 2) {
      Refuse("the name of a field is longer than " + std::to_string(kMaxJsonKeyBytes) + " bytes");
    }
    if (keys_.size() - first_key == kMaxJsonFields) {
      Refuse("more than " + std::to_string(kMaxJsonFields) + " fields in one object");
    }
    keys_.push_back(JsonValue(raw).String());
  }

  void Array(int depth) {
    ++position_;
    SkipBlanks();
    if (Take(']')) return;
    do {
      SkipBlanks();
      Value(depth + 1);
      SkipBlanks();
    } while (Take(','));
    if (!Take(']')) Fail("expected ',' or ']'");
  }

  void String() {
    ++position_;
    while (true) {
      while (position_ + 8 <= text_.size() && !HasSpecial(text_.data() + position_)) position_ += 8;
      if (position_ == text_.size()) Fail("expected the end of a string");
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (byte == '"') break;
      if (byte == '\\') {
        Escape();
      } else if (byte >= 0x80) {
        Character();
      } else if (byte < 0x20) {
        Fail("expected a control character in a string to be escaped");
      } else {
        ++position_;
      }
    }
    ++position_;
  }

  /// One that is no ASCII.
  void Character() {
    std::string_view rest = text_.substr(position_, 4);
    const size_t length = rest.size();
    const char32_t character = TakeCodePoint(rest);
    if (character >= 0xDC00 && character <= 0xDFFF) Fail("expected UTF-8");
    position_ += length - rest.size();
  }

  void Escape() {
    ++position_;
    if (Take('u')) {
      const uint32_t unit = FourDigits();
      if (unit < 0xD800 || unit > 0xDFFF) return;
      const bool is_high = unit < 0xDC00;
      if (is_high && Take('\\') && Take('u')) {
        const uint32_t low = FourDigits();
        if (low >= 0xDC00 && low <= 0xDFFF) return;
      }
      Refuse("an escaped surrogate stands alone");
    }
    if (position_ == text_.size() ||
        std::string_view("\"\\/bfnrt").find(text_[position_]) == std::string_view::npos) {
      Fail("expected one of \"\\/bfnrtu behind a backslash");
    }
    ++position_;
  }

  uint32_t FourDigits() {
    uint32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      if (position_ == text_.size() ||
          !std::isxdigit(static_cast<unsigned char>(text_[position_]))) {
        Fail("expected four hexadecimal digits behind \\u");
      }
      const char digit = text_[position_++];
      unit = unit * 16 +
             static_cast<uint32_t>(IsDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return unit;
  }

  void Number() {
    Take('-');
    if (!Take('0')) Digits();
    if (Take('.')) Digits();
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      Digits();
    }
  }

  void Digits() {
    if (position_ == text_.size() || !IsDigit(text_[position_])) Fail("expected a digit");
    while (position_ < text_.size() && IsDigit(text_[position_])) ++position_;
  }

  void Literal() {
    for (const std::string_view literal : {"true", "false", "null"}) {
      if (text_.substr(position_, literal.size()) == literal) {
        position_ += literal.size();
        return;
      }
    }
    Fail("expected a value");
  }

  const std::string_view text_;
  size_t position_ = 0;
  std::vector<std::string> keys_;  // of the open objects, one behind the other
};

}  // namespace

std::string_view WithoutByteOrderMark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

void CheckJson(std::string_view text) { Checker(text).Check(); }

}  // namespace siglip::server
