#include "index/byte_vector.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "siglip/error.hpp"
#include "tensor/float16.h"

namespace siglip {

float RoundUp(double value) {
  const auto nearest = static_cast<float>(value);
  return nearest < value ? std::nextafter(nearest, HUGE_VALF) : nearest;
}

ByteVector RoundToBytes(std::span<const uint16_t> halves, std::span<int8_t> bytes,
                        const std::function<std::string()>& name) {
  float largest = 0;
  double squares = 0;
  for (const uint16_t half : halves) {
    const float value = Float16ToFloat(half);
    if (!std::isfinite(value)) {
      throw Error(
          ErrorCode::kInvalidArgument,
          name() + ": a vector holds " + std::to_string(value) + ", expected finite numbers");
    }
    largest = std::max(largest, std::abs(value));
    squares += static_cast<double>(value) * value;
  }
  // The smallest binary16 is 2^-24, so the scale is a normal float.
  const float scale = largest / 127.0F;
  double lost_squares = 0;
  for (size_t i = 0; i < halves.size(); ++i) {
    const float value = Float16ToFloat(halves[i]);
    const float steps = scale > 0 ? std::nearbyint(value / scale) : 0.0F;
    bytes[i] = static_cast<int8_t>(std::clamp(steps, -127.0F, 127.0F));
    // Exact: both are multiples of 2^-24 or of the last bit of the scale, and less than 2^42 times
    // that.
    const double lost = value - static_cast<double>(scale) * bytes[i];
    lost_squares += lost * lost;
  }
  return {.scale = scale,
          .residual = RoundUp(std::sqrt(lost_squares) * kOutward),
          .norm = RoundUp(std::sqrt(squares) * kOutward)};
}

}  // namespace siglip
