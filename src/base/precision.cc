// Names of precisions.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "siglip/error.hpp"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

constexpr std::array<std::pair<Precision, std::string_view>, 3> kPrecisionNames = {
    {{Precision::kFloat32, "f32"}, {Precision::kBFloat16, "bf16"}, {Precision::kInt8, "int8"}}};
constexpr std::string_view kAuto = "auto";

std::optional<Precision> Find(std::string_view name) {
  const auto* const found =
      std::ranges::find(kPrecisionNames, name, &decltype(kPrecisionNames)::value_type::second);
  return found == kPrecisionNames.end() ? std::nullopt : std::optional(found->first);
}

Error Unknown(std::string_view name, const std::string& known) {
  return Error(ErrorCode::kInvalidArgument, "unknown precision '" + std::string(name) + "'",
               "known: " + known);
}

}  // namespace

std::string_view ToString(Precision precision) {
  return kPrecisionNames.at(static_cast<size_t>(precision)).second;
}

Precision ParsePrecision(std::string_view name) {
  if (const auto precision = Find(name)) return *precision;
  throw Unknown(name, "f32, bf16, int8");
}

PrecisionChoice ParsePrecisionChoice(std::string_view name) {
  if (name == kAuto) return PrecisionChoice::Auto();
  if (const auto precision = Find(name)) return *precision;
  throw Unknown(name, "f32, bf16, int8, auto");
}

}  // namespace siglip
