// What the tests of kernels share: the instruction sets to sweep and random values.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/amx_software.h"
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

/// A table that tests sweep, by the name of its instruction set or "amx_software".
struct TestedKernels {
  std::string name;
  const Kernels* table;
};
inline std::ostream& operator<<(std::ostream& out, const TestedKernels& kernels) {
  return out << kernels.name;
}

/// All of this machine.
inline std::vector<TestedKernels> AllKernels() {
  std::vector<TestedKernels> all;
  for (const InstructionSet isa : SupportedInstructionSets()) {
    all.push_back({std::string(ToString(isa)), &KernelsFor(isa)});
  }
  if (AmxSoftwareKernels() != nullptr) all.push_back({"amx_software", AmxSoftwareKernels()});
  return all;
}

/// A test that runs once for each of them.
class KernelTest : public testing::TestWithParam<TestedKernels> {
 protected:
  const Kernels& kernels() const { return *GetParam().table; }
};

inline std::string KernelsName(const testing::TestParamInfo<TestedKernels>& info) {
  return info.param.name;
}

}  // namespace siglip
