#include "terminal/text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "output/text.h"

namespace siglip::cli {

size_t Columns(std::string_view text) {
  size_t columns = 0;
  for (; !text.empty(); ++columns) TakeCodePoint(text);
  return columns;
}

std::string PadLeft(std::string_view text, size_t columns) {
  return std::string(columns - std::min(columns, Columns(text)), ' ') + std::string(text);
}

std::string Printable(std::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t character = TakeCodePoint(text);
    const std::string_view bytes = before.substr(0, before.size() - text.size());
    const bool is_lost = character >= 0xDC00 && character < 0xDD00;  // no UTF-8
    const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    if (!control && !is_lost) {
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

}  // namespace siglip::cli
