// Whether results are equal to the last bit.
#pragma once

#include <algorithm>

#include "siglip/tensor.hpp"

namespace siglip {

/// NaN equals itself, 0 does not equal -0.
inline bool SameBits(const Tensor& left, const Tensor& right) {
  return left.shape() == right.shape() && std::ranges::equal(left.bytes(), right.bytes());
}

}  // namespace siglip
