// How siglip bench measures.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "siglip/tensor.hpp"

namespace siglip::cli {

double Seconds(const std::function<void()>& work);

/// Of one call, from as many as fill a tenth of a second.
double SecondsPerCall(const std::function<void()>& work);

/// `values` must not be empty.
double Median(std::vector<double> values);

/// Values in [-1, 1], always the same.
Tensor RandomPixels(const Shape& shape);

}  // namespace siglip::cli
