// The body of POST /v1/embeddings: what the library for JSON refuses is refused here, and the items
// hold no more than the body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/api/api_error.h"
#include "server/api/embeddings_request.h"
#include "server/api/json_check.h"

namespace siglip::server {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

/// What the library says of it: nothing, where it takes a zero byte for the end or refuses numbers
/// for their size.
std::optional<bool> IsJson(std::string_view text) {
  if (text.find('\0') != text.npos) return std::nullopt;
  try {
    const auto parsed = nlohmann::json::parse(text);
    return true;
  } catch (const nlohmann::json::out_of_range&) {
    return std::nullopt;
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
}

void CheckAgainstLibrary(std::string_view text) {
  const std::optional<bool> expected = IsJson(text);
  try {
    CheckJson(WithoutByteOrderMark(text));
    Require(expected != false);
  } catch (const ApiError& error) {
    // Besides, depth, keys and their number are bounded: "refused, as JSON" rather than "not
    // valid".
    Require(expected != true || error.message.starts_with("the body is refused"));
  }
}

void Run(std::string_view text) {
  CheckAgainstLibrary(text);
  try {
    const EmbeddingsRequest request = ReadEmbeddingsRequest(text, 4);
    Require(!request.items.empty() && request.items.size() <= kMaxItems);
    size_t bytes = 0;
    bool has_good = false;
    for (const InputItem& item : request.items) {
      const auto* const words = std::get_if<InputText>(&item);
      const auto* const picture = std::get_if<InputPicture>(&item);
      const size_t size = words != nullptr     ? words->text.size()
                          : picture != nullptr ? picture->bytes.size()
                                               : 0;
      Require(size > 0 || std::holds_alternative<ItemError>(item));
      Require(request.partial || size > 0);
      has_good = has_good || size > 0;
      bytes += size;
    }
    Require(has_good && bytes <= text.size());
  } catch (const ApiError& error) {
    Require(error.status == 400 && nlohmann::json::accept(ErrorJson(error)));
  }
}

}  // namespace
}  // namespace siglip::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::server::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
