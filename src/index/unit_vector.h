// Vectors as an index stores them: of norm 1, of binary16 numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace siglip {

std::vector<uint16_t> ToHalves(std::span<const float> values);

/// The vector divided by its norm, unless that is 1 within the rounding of such numbers already.
/// Throws Error(kInvalidArgument), beginning with `where`, for one that is not finite or is zero.
std::vector<uint16_t> UnitHalves(std::span<const float> vector, const std::string& where);

}  // namespace siglip
