// Data URIs and base64: read in pieces of a size, given by the first byte, they are what they are
// as a whole, and what is read can be written again as the same digits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "output/text.h"
#include "server/api/api_error.h"
#include "server/api/picture_text.h"

namespace siglip::server {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

/// Nothing where it is refused.
std::optional<std::string> Read(std::string_view text, size_t piece, bool bare) {
  PictureText picture(text.size(), bare);
  for (size_t i = 0; i < text.size(); i += piece) {
    if (!picture.Append(text.substr(i, piece))) break;
  }
  try {
    return std::move(picture).Finish("fuzz");
  } catch (const ApiError& error) {
    Require(error.status == 400 && error.message.size() < 500);
    return std::nullopt;
  }
}

void Run(size_t piece, std::string_view text) {
  for (const bool bare : {false, true}) {
    const std::optional<std::string> whole = Read(text, text.size() + 1, bare);
    Require(whole == Read(text, piece, bare));
    if (!whole) continue;
    const bool is_uri = IsPictureUri(text);
    Require(bare || is_uri);
    const std::string_view digits = is_uri ? text.substr(text.find(',') + 1) : text;
    const std::string written = Base64(*whole);
    Require(!whole->empty() && written.starts_with(digits));
    Require(written.find_first_not_of('=', digits.size()) == written.npos);
  }
}

}  // namespace
}  // namespace siglip::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  siglip::server::Run(1 + data[0] % 16, {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
