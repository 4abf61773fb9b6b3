// JSON: what the library for JSON reads has the same value here; whatever is read can be written
// and read again. The same bytes show what kind of file they are.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/file_kind.h"
#include "base/json.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

template <typename Parse>
std::optional<Json> Read(const Parse& parse, std::string_view text) {
  try {
    return parse(text, "fuzz");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) std::abort();
    return std::nullopt;
  }
}

void Run(std::string_view text) {
  DetectFileKind(std::as_bytes(std::span(text)));
  const auto read = Read(ParseJson, text);
  const auto strict = Read(ParseStrictJson, text);
  // The library takes a zero byte for the end, and reads values nested more deeply.
  const Json expected = text.find('\0') == text.npos
                            ? Json::parse(text, nullptr, /*allow_exceptions=*/false)
                            : Json(Json::value_t::discarded);
  if (strict && (!read || *strict != *read || *strict != expected)) std::abort();
  if (read && !expected.is_discarded() && *read != expected) std::abort();
  if (!read) return;
  ShownJson(*read);
  for (const bool only_ascii : {false, true}) {
    const std::string written = JsonText(*read, only_ascii ? 1 : -1, only_ascii);
    // Compared as text: NaN differs from itself.
    if (JsonText(ParseJson(written, "again"), only_ascii ? 1 : -1, only_ascii) != written) {
      std::abort();
    }
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
