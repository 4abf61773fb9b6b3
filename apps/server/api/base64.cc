#include "server/api/base64.h"

#include <array>
#include <utility>

namespace siglip::server {
namespace {

constexpr uint32_t kNoDigit = 0x80000000;

using Digits = std::array<uint32_t, 256>;

/// What each byte means as a digit whose lowest bit is bit `shift` of a group of 24.
constexpr Digits DigitsAt(int shift) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Digits digits = {};
  for (uint32_t& digit : digits) digit = kNoDigit;
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint32_t>(i) << shift;
  }
  return digits;
}

constexpr Digits kFirst = DigitsAt(18);
constexpr Digits kSecond = DigitsAt(12);
constexpr Digits kThird = DigitsAt(6);
constexpr Digits kFourth = DigitsAt(0);

std::string WhyNot(char character) {
  switch (character) {
    case '-':
    case '_':
      return "expected the digits of base64 with + and /, found '" + std::string(1, character) +
             "' of the alphabet for URLs";
    case ' ':
    case '\t':
    case '\n':
    case '\r': return "expected base64 without blanks and line breaks, found one";
    case '%': return "expected base64, found '%': not to be percent-encoded";
    default: break;
  }
  const auto byte = static_cast<unsigned char>(character);
  return "expected a digit of base64, found " + (byte > ' ' && byte < 0x7F
                                                     ? "'" + std::string(1, character) + "'"
                                                     : "byte " + std::to_string(byte));
}

}  // namespace

bool Base64Decoder::Append(std::string_view digits) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(digits[i]); };
  size_t i = 0;
  while (i < digits.size()) {
    if (in_group_ == 0 && padding_ == 0) {
      const size_t begin = i;
      char* out = bytes_.data() + size_;
      for (; i + 4 <= digits.size(); i += 4) {
        const uint32_t group =
            kFirst[byte(i)] | kSecond[byte(i + 1)] | kThird[byte(i + 2)] | kFourth[byte(i + 3)];
        if ((group & kNoDigit) != 0) break;
        *out++ = static_cast<char>(group >> 16);
        *out++ = static_cast<char>(group >> 8);
        *out++ = static_cast<char>(group);
      }
      digits_ += i - begin;
      size_ += (i - begin) / 4 * 3;
      if (i == digits.size()) break;
    }
    if (!AppendOne(digits[i++])) return false;
  }
  return true;
}

bool Base64Decoder::AppendOne(char character) {
  if (character == '=') {
    if (in_group_ < 2) return Fail("expected no '='");
    ++padding_;
    return true;
  }
  const uint32_t digit = kFourth[static_cast<unsigned char>(character)];
  if (digit == kNoDigit) return Fail(WhyNot(character));
  if (padding_ > 0) return Fail("expected nothing behind '='");
  group_ = group_ << 6 | digit;
  ++in_group_;
  ++digits_;
  if (in_group_ == 4) {
    for (const int shift : {16, 8, 0}) bytes_[size_++] = static_cast<char>(group_ >> shift);
    group_ = 0;
    in_group_ = 0;
  }
  return true;
}

bool Base64Decoder::Finish() {
  if (in_group_ == 1) return Fail("expected another digit of base64, found the end: it was cut");
  if (padding_ > 0 && in_group_ + padding_ != 4) return Fail("expected another '='");
  if (in_group_ > 0) {
    group_ <<= 6 * (4 - in_group_);
    for (size_t i = 0; i + 1 < in_group_; ++i) {
      bytes_[size_++] = static_cast<char>(group_ >> 16);
      group_ = group_ << 8 & 0xFFFFFF;
    }
    if (group_ != 0) return Fail("expected no bits to be left over: it was cut or damaged");
  }
  bytes_.resize(size_);
  return true;
}

bool Base64Decoder::Fail(std::string problem) {
  problem_ = std::move(problem) + ", behind " + std::to_string(digits_) + " digits";
  return false;
}

}  // namespace siglip::server
