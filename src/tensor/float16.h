// Half-precision formats, bit by bit.
#pragma once

#include <bit>
#include <cstdint>

namespace siglip {

inline float BFloat16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// IEEE 754 binary16, exact, subnormals and infinities included.
inline float Float16ToFloat(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t magnitude = bits & 0x7FFFU;
  // Put exponent and mantissa in place as if the exponent had float's bias, then correct it by a
  // multiplication, which is exact and also normalises subnormals.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
  const uint32_t infinite = magnitude >= 0x7C00U ? 0x7F800000U : 0U;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | infinite | sign);
}

/// Rounded to the nearest IEEE 754 binary16, ties to even. From 65520 on the result is infinite;
/// not a number stays so, quietly.
inline uint16_t FloatToFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return static_cast<uint16_t>(sign | 0x7E00U | (magnitude >> 13 & 0x3FFU));
  }
  if (magnitude >= 0x477FF000U) return static_cast<uint16_t>(sign | 0x7C00U);  // 65520
  if (magnitude < 0x38800000U) {  // 2^-14: subnormal, steps of 2^-24
    // The sum has steps of 2^-24, so that adding rounds, and its lowest bits are the result.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000U));
  }
  // Half of the last kept bit less one, and that bit itself, are added; then the rest is cut off.
  const uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U) - (112U << 23);
  return static_cast<uint16_t>(sign | rounded >> 13);
}

}  // namespace siglip
