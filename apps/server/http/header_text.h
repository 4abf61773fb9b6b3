// Words of headers, whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace siglip::server {

inline bool IsBlank(char byte) { return byte == ' ' || byte == '\t'; }

inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& byte : lower) {
    if (byte >= 'A' && byte <= 'Z') byte += 'a' - 'A';
  }
  return lower;
}

/// Without those at both ends.
inline std::string_view WithoutBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace siglip::server
