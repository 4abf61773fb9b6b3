// How near to 1 the norms of an index's vectors are.
#pragma once

namespace siglip {

/// Of the norm of a vector that was divided by it and rounded to binary16: 2^-11 of each number.
inline constexpr double kNormTolerance = 0x1p-10;

}  // namespace siglip
