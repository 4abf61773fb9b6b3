// Characters that names and URLs are made of, whatever the locale.
#pragma once

#include <string_view>

namespace siglip {

inline constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
inline constexpr std::string_view kDigits = "0123456789";

inline bool IsOneOf(char character, std::string_view set) {
  return set.find(character) != std::string_view::npos;
}

inline bool IsLetterOrDigit(char character) {
  return IsOneOf(character, kLetters) || IsOneOf(character, kDigits);
}

}  // namespace siglip
