// What is missing for AMX, as machines tell it.
#include "base/amx.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/cpu_features.h"

namespace siglip {
namespace {

constexpr uint32_t kBFloat16 = 1U << 22;
constexpr uint32_t kTile = 1U << 24;
constexpr uint32_t kInt8 = 1U << 25;
constexpr uint64_t kVectorStates = 0xE7;
constexpr uint64_t kConfiguration = uint64_t{1} << 17;
constexpr uint64_t kData = uint64_t{1} << 18;

TEST(AmxTest, NothingIsMissingWhereAllIsThere) {
  EXPECT_EQ(MissingForAmx(kBFloat16 | kTile | kInt8, kVectorStates | kConfiguration | kData), "");
  EXPECT_EQ(MissingForAmx(~0U, ~uint64_t{0}), "");
}

TEST(AmxTest, EveryInstructionIsNeeded) {
  for (const uint32_t features : {0U, kBFloat16 | kTile, kBFloat16 | kInt8, kTile | kInt8}) {
    EXPECT_EQ(MissingForAmx(features, ~uint64_t{0}), "its CPU has no AMX with bfloat16 and bytes");
  }
}

TEST(AmxTest, TheOperatingSystemMustSaveBothStates) {
  for (const uint64_t states :
       {kVectorStates, kVectorStates | kConfiguration, kVectorStates | kData}) {
    EXPECT_EQ(MissingForAmx(~0U, states),
              "its operating system does not save the registers of AMX");
  }
}

TEST(AmxTest, RegistersAreRefusedWhereSomethingIsMissing) {
  if (MissingForAmx().empty()) {
    EXPECT_EQ(RequestTileRegisters(), "");
    EXPECT_EQ(RequestTileRegisters(), "") << "again";
  } else {
    EXPECT_NE(RequestTileRegisters(), "");
  }
}

TEST(AmxTest, TheSetIsThereWhereNothingIsMissing) {
  const auto& sets = SupportedInstructionSets();
  const auto has = [&](InstructionSet isa) {
    return std::find(sets.begin(), sets.end(), isa) != sets.end();
  };
  EXPECT_EQ(has(InstructionSet::kAmx), has(InstructionSet::kAvx512Bf16) && MissingForAmx().empty());
}

}  // namespace
}  // namespace siglip
