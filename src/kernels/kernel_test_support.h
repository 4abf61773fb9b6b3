// What the tests of kernels share: the instruction sets to sweep and random values.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace siglip {

/// Half the distance between 1 and the next float: the largest relative rounding error.
inline constexpr double kUnitRoundoff = 0x1p-24;

inline std::vector<float> RandomFloats(size_t count, uint32_t seed, float spread = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

/// A test that runs once for each instruction set of this machine.
class KernelTest : public testing::TestWithParam<InstructionSet> {
 protected:
  const Kernels& kernels() const { return KernelsFor(GetParam()); }
};

inline std::string InstructionSetName(const testing::TestParamInfo<InstructionSet>& info) {
  return std::string(ToString(info.param));
}

}  // namespace siglip
