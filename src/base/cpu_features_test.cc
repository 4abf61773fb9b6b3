// Tests of the instruction sets' names and of the choice among them.
#include "base/cpu_features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/amx.h"
#include "scoped_isa_variable.h"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

const std::vector<InstructionSet> kAll = {InstructionSet::kGeneric,    InstructionSet::kAvx2,
                                          InstructionSet::kAvx2Vnni,   InstructionSet::kAvx512,
                                          InstructionSet::kAvx512Vnni, InstructionSet::kAvx512Bf16,
                                          InstructionSet::kAmx,        InstructionSet::kNeon,
                                          InstructionSet::kNeonDot,    InstructionSet::kNeonMmla};

bool IsSupported(InstructionSet isa) {
  const auto& sets = SupportedInstructionSets();
  return std::find(sets.begin(), sets.end(), isa) != sets.end();
}

/// The error of choosing `forced`; fails the test when there is none.
Error ChoiceFailure(std::string_view forced) {
  try {
    ChooseInstructionSet(forced);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::kInternal, "");
}

TEST(InstructionSet, NamesGoBothWays) {
  for (const InstructionSet isa : kAll) EXPECT_EQ(ParseInstructionSet(ToString(isa)), isa);
}

TEST(InstructionSet, UnknownNamesAreAnErrorThatListsTheKnownOnes) {
  for (const char* name : {"", "AVX2", "avx", "avx2 ", "best"}) {
    try {
      ParseInstructionSet(name);
      ADD_FAILURE() << name << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(
          error.hint(),
          "known: generic, avx2, avx2_vnni, avx512, avx512_vnni, avx512_bf16, amx, neon, neon_dot, "
          "neon_mmla");
    }
  }
}

TEST(InstructionSet, SupportedOnesAreSlowestFirstAndComplete) {
  const auto& sets = SupportedInstructionSets();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.front(), InstructionSet::kGeneric);
  EXPECT_TRUE(std::is_sorted(sets.begin(), sets.end()));
  if (IsSupported(InstructionSet::kAvx512)) {
    EXPECT_TRUE(IsSupported(InstructionSet::kAvx2));
  }
  if (IsSupported(InstructionSet::kAvx512Bf16)) {
    EXPECT_TRUE(IsSupported(InstructionSet::kAvx512Vnni));
  }
  if (IsSupported(InstructionSet::kAmx)) {
    EXPECT_TRUE(IsSupported(InstructionSet::kAvx512Bf16));
  }
#if defined(__aarch64__)
  EXPECT_TRUE(IsSupported(InstructionSet::kNeon));  // every CPU of this architecture has it
#endif
  std::vector<std::string> names;
  for (const InstructionSet isa : sets) names.emplace_back(ToString(isa));
  EXPECT_EQ(AvailableInstructionSets(), names);
}

TEST(ChooseInstructionSet, TakesThePreferredOneUnlessTold) {
#if defined(__x86_64__)
  const bool is_intel = __builtin_cpu_is("intel") != 0;
#else
  const bool is_intel = false;
#endif
  for (const auto& unset : {std::optional<std::string>(), std::optional<std::string>("")}) {
    const ScopedIsaVariable variable(unset);
    EXPECT_EQ(ChooseInstructionSet(),
              PreferredInstructionSet(SupportedInstructionSets(), is_intel));
  }
}

TEST(ChooseInstructionSet, PrefersTheFastestButForAmxAndSlowBFloat16) {
  using enum InstructionSet;
  const std::vector<InstructionSet> sets = {kGeneric,    kAvx2,       kAvx512,
                                            kAvx512Vnni, kAvx512Bf16, kAmx};
  const auto first = [&](size_t count) {
    return std::vector<InstructionSet>(sets.begin(), sets.begin() + static_cast<int>(count));
  };
  EXPECT_EQ(PreferredInstructionSet(first(6), true), kAvx512Vnni);
  EXPECT_EQ(PreferredInstructionSet(first(6), false), kAvx512Bf16);
  EXPECT_EQ(PreferredInstructionSet(first(5), true), kAvx512Vnni);
  EXPECT_EQ(PreferredInstructionSet(first(5), false), kAvx512Bf16);
  EXPECT_EQ(PreferredInstructionSet(first(4), true), kAvx512Vnni);
  EXPECT_EQ(PreferredInstructionSet(first(1), true), kGeneric);
}

TEST(ChooseInstructionSet, TheVariableForcesAndTheArgumentOutranksIt) {
  const ScopedIsaVariable variable("generic");
  EXPECT_EQ(ChooseInstructionSet(), InstructionSet::kGeneric);
  const InstructionSet best = SupportedInstructionSets().back();
  EXPECT_EQ(ChooseInstructionSet(ToString(best)), best);
}

TEST(ChooseInstructionSet, UnknownNamesSayWhereTheyComeFrom) {
  const ScopedIsaVariable variable("avx3");
  const Error of_variable = ChoiceFailure("");
  EXPECT_EQ(of_variable.code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(of_variable.message().find("'avx3' in the environment variable SIGLIP_ISA"),
            std::string::npos);
  EXPECT_EQ(ChoiceFailure("avx4").message(), "unknown instruction set 'avx4'");
}

TEST(ChooseInstructionSet, WhatTheCpuLacksIsAnErrorAndNoFallback) {
  for (const InstructionSet isa : kAll) {
    if (IsSupported(isa)) {
      EXPECT_EQ(ChooseInstructionSet(ToString(isa)), isa);
      continue;
    }
    const Error error = ChoiceFailure(ToString(isa));
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(error.message().find(std::string(ToString(isa))), std::string::npos);
    EXPECT_NE(error.hint().find("available here: generic"), std::string::npos);
#if defined(__x86_64__)
    if (isa == InstructionSet::kAmx) {
      EXPECT_NE(error.message().find(": " + std::string(MissingForAmx())), std::string::npos);
      EXPECT_GT(error.message().size(), error.message().find(": ") + 10);
    }
#endif
  }
}

TEST(Version, IsThreeNumbers) {
  int dots = 0;
  for (const char character : Version()) dots += character == '.';
  EXPECT_EQ(dots, 2);
}

}  // namespace
}  // namespace siglip
