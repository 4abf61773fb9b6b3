// The bodies of POST /v1/search, /v1/classify and /v1/duplicates, by the first byte.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <variant>

#include "server/api/api_error.h"
#include "server/api/classify_request.h"
#include "server/api/duplicates_request.h"
#include "server/api/search_request.h"

namespace siglip::server {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Search(std::string_view text) {
  const SearchRequest request = ReadSearchRequest(text);
  Require(!request.parts.empty() && request.parts.size() <= 64);
  for (const SearchPart& part : request.parts) {
    Require(std::isfinite(part.weight) && !part.param.empty());
    const auto* const words = std::get_if<InputText>(&part.query);
    const auto* const picture = std::get_if<InputPicture>(&part.query);
    const auto* const content = std::get_if<LikeContent>(&part.query);
    Require(words == nullptr || !words->text.empty());
    Require(picture == nullptr || !picture->bytes.empty());
    Require(content == nullptr || content->id > 0);
  }
  Require(request.options.top >= 1 && request.options.top <= 1000);
  Require(request.offset >= 0 && request.offset <= 10000);
  Require(request.options.filter.under.empty() || request.options.filter.under.is_absolute());
  Require(std::isfinite(request.options.min_score.value_or(0)));
}

void Classify(std::string_view text) {
  const ClassifyRequest request = ReadClassifyRequest(text);
  Require(!request.items.empty() && !request.labels.empty() && !request.templates.empty());
  for (const InputItem& item : request.items) Require(!std::holds_alternative<InputText>(item));
}

void Duplicates(std::string_view text) {
  const DuplicatesRequest request = ReadDuplicatesRequest(text);
  const float threshold = request.options.threshold.value_or(1);
  Require(threshold > 0 && threshold <= 1);
  Require(request.offset >= 0 && request.top >= 1 && request.top <= 1000);
}

void Run(char kind, std::string_view text) {
  try {
    switch (kind) {
      case 's': Search(text); break;
      case 'c': Classify(text); break;
      case 'd': Duplicates(text); break;
      default: break;
    }
  } catch (const ApiError& error) {
    Require(error.status == 400 && nlohmann::json::accept(ErrorJson(error)));
  }
}

}  // namespace
}  // namespace siglip::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto* const bytes = reinterpret_cast<const char*>(data);
  siglip::server::Run(bytes[0], {bytes + 1, size - 1});
  return 0;
}
