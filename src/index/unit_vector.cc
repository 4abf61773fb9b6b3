#include "index/unit_vector.h"

#include <cmath>
#include <limits>

#include "engine/finish_vector.h"
#include "index/norm_tolerance.h"
#include "siglip/error.hpp"
#include "tensor/float16.h"

namespace siglip {

std::vector<uint16_t> ToHalves(std::span<const float> values) {
  std::vector<uint16_t> halves;
  halves.reserve(values.size());
  for (const float value : values) halves.push_back(FloatToFloat16(value));
  return halves;
}

std::vector<uint16_t> UnitHalves(std::span<const float> vector, const std::string& where) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  const double norm = std::sqrt(squares);
  if (!(norm >= std::numeric_limits<float>::min() && norm <= std::numeric_limits<float>::max())) {
    throw Error(ErrorCode::kInvalidArgument,
                where + ": expected a vector of finite numbers, not all zero");
  }
  if (std::abs(norm - 1) <= kNormTolerance) return ToHalves(vector);
  std::vector<float> values(vector.begin(), vector.end());
  FinishVector(values, true);
  return ToHalves(values);
}

}  // namespace siglip
