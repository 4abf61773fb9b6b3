#include "text/token_model.h"

#include <array>
#include <cstdio>

#include "text/unicode_text.h"

namespace siglip {

std::string ByteToken(uint8_t byte) {
  std::array<char, 8> token;
  std::snprintf(token.data(), token.size(), "<0x%02X>", static_cast<unsigned>(byte));
  return token.data();
}

std::string QuotedToken(std::string_view token) {
  constexpr size_t kShown = 40;
  const std::string text = ToValidUtf8(token.substr(0, kShown));
  return "\"" + text + (token.size() > kShown ? "..." : "") + "\"";
}

}  // namespace siglip
