// The target of a request: refused, or a path and a query that cannot be read in another way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/target.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char byte) { return (byte >= 0 && byte < ' ') || byte == 0x7F; });
}

/// Every byte but letters as %XX.
std::string Encode(std::string_view text, bool is_path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char byte : text) {
    if ((byte >= 'a' && byte <= 'z') || (byte == '/' && is_path)) {
      encoded += byte;
    } else {
      encoded += '%';
      encoded += kDigits[(byte >> 4) & 15];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

void Run(std::string_view text) {
  Target target;
  try {
    target = ParseTarget(text);
  } catch (const Error& error) {
    Require(error.code() == ErrorCode::kInvalidArgument);
    return;
  }
  Require(target.path.starts_with('/') && !HasControls(target.path));
  const std::string closed = target.path + "/";
  Require(closed.find("/./") == std::string::npos && closed.find("/../") == std::string::npos);
  std::string written = Encode(target.path, true) + "?";
  for (const QueryPair& pair : target.query) {
    Require(!HasControls(pair.name) && !HasControls(pair.value));
    Require(target.Find(pair.name) != nullptr);
    written += Encode(pair.name, false) + "=" + Encode(pair.value, false) + "&";
  }
  const Target again = ParseTarget(written);
  Require(again.path == target.path && again.query.size() == target.query.size());
  for (size_t i = 0; i < again.query.size(); ++i) {
    Require(again.query[i].name == target.query[i].name &&
            again.query[i].value == target.query[i].value);
  }
}

}  // namespace
}  // namespace siglip::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::server::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
