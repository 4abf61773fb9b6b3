// Numbers as people and programs read them.
#include "terminal/format.h"

#include <array>
#include <cstdio>

namespace siglip::cli {
namespace {

/// `value` over the largest power of 1000 below it, and that power's prefix after a space.
std::string WithPrefix(double value) {
  constexpr std::array<const char*, 5> kPrefixes = {"", "k", "M", "G", "T"};
  size_t prefix = 0;
  // 999,950 and more would round to "1000.0".
  while (value >= 999.95 && prefix + 1 < kPrefixes.size()) {
    value /= 1000.0;
    ++prefix;
  }
  return FormatNumber(value, prefix == 0 ? 0 : 1) + " " + kPrefixes[prefix];
}

}  // namespace

std::string FormatCount(int64_t count) {
  std::string text = WithPrefix(static_cast<double>(count));
  if (text.back() == ' ') text.pop_back();
  return text;
}

std::string FormatBytes(int64_t bytes) { return WithPrefix(static_cast<double>(bytes)) + "B"; }

std::string FormatNumber(double value, int digits) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

}  // namespace siglip::cli
