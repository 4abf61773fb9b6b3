#include "commands/measure.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "siglip/tensor.hpp"

namespace siglip::cli {

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double SecondsPerCall(const std::function<void()>& work) {
  constexpr double kLongEnough = 0.1;
  int calls = 0;
  double total = 0;
  while (total < kLongEnough) {
    total += Seconds(work);
    ++calls;
  }
  return total / calls;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Tensor RandomPixels(const Shape& shape) {
  Tensor pixels(DType::kF32, shape);
  std::mt19937 generator(1);
  for (float& value : pixels.floats()) {
    value = static_cast<float>(generator()) / 2147483648.0f - 1.0f;
  }
  return pixels;
}

}  // namespace siglip::cli
