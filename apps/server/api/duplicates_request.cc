#include "server/api/duplicates_request.h"

#include <array>
#include <limits>

#include "server/api/request_fields.h"

namespace siglip::server {

DuplicatesRequest ReadDuplicatesRequest(std::string_view json) {
  constexpr double kLeastThreshold = 1e-6;
  constexpr int64_t kMaxTop = 1000;
  static constexpr std::array<std::string_view, 3> kKinds = {"same-bytes", "same-picture",
                                                             "similar"};
  const RequestFields fields = RequestFields::OfBody(json);
  DuplicatesRequest request;
  if (const std::optional<size_t> kind = fields.Word("kind", kKinds)) {
    request.options.kind = ParseDuplicateKind(kKinds[*kind]);
  }
  if (const std::optional<double> threshold = fields.Number("threshold")) {
    if (request.options.kind == DuplicateKind::kSameBytes) {
      Refuse("threshold", "none beside \"same-bytes\"", *fields.Find("threshold"));
    }
    if (*threshold < kLeastThreshold || *threshold > 1) {
      Refuse("threshold", "a number from 0.000001 to 1", *fields.Find("threshold"));
    }
    request.options.threshold = static_cast<float>(*threshold);
  }
  request.offset = fields.Integer("offset", 0, std::numeric_limits<int64_t>::max()).value_or(0);
  request.top = fields.Integer("top", 1, kMaxTop).value_or(request.top);
  return request;
}

}  // namespace siglip::server
