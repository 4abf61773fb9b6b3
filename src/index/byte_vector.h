// Vectors rounded to bytes, and what is lost by that.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace siglip {

/// Most dimensions of a vector that is searched: its products with another fit into int32.
inline constexpr int64_t kMostDimensions = 65536;

/// About a vector x and the bytes v that it was rounded to. What is compared with these numbers
/// must hold for x itself, hence they are rounded upward.
struct ByteVector {
  float scale;     ///< x is near scale * v; 0 where x is zero.
  float residual;  ///< At least |x - scale * v|.
  float norm;      ///< At least |x|.
};

/// Factor by which a sum of at most kMostDimensions squares in double, or its root, may be too
/// small, and more: each of its roundings loses at most 2^-53 of it.
inline constexpr double kOutward = 1.0 + 0x1p-32;

/// Rounds binary16 numbers to steps of 1/127 of the largest; bytes[halves.size()] are in
/// [-127, 127]. Throws Error(kInvalidArgument), which names the vector, when a number is not
/// finite.
ByteVector RoundToBytes(std::span<const uint16_t> halves, std::span<int8_t> bytes,
                        const std::function<std::string()>& name);

/// The smallest float that is not less than `value`.
float RoundUp(double value);

}  // namespace siglip
