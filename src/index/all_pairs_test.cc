#include "index/all_pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

#include "base/cpu_features.h"
#include "expect_error.h"
#include "index/search_test_support.h"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

using Rows = std::vector<std::vector<uint16_t>>;
using Accept = std::function<bool(int64_t representative, int64_t row)>;

std::vector<float> ToFloats(const std::vector<uint16_t>& halves) {
  std::vector<float> floats;
  for (const uint16_t half : halves) floats.push_back(Float16ToFloat(half));
  return floats;
}

/// As GroupByRepresentative says it, pair by pair.
std::vector<AlikeGroup> NaiveGroups(const Rows& rows, float threshold, const Accept& accept) {
  std::vector<AlikeGroup> groups;
  std::vector<bool> is_taken(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (is_taken[i]) continue;
    AlikeGroup group = {static_cast<int64_t>(i), {}};
    const std::vector<float> representative = ToFloats(rows[i]);
    for (size_t j = i + 1; j < rows.size(); ++j) {
      if (is_taken[j]) continue;
      const float score = reference::DotHalves(representative, rows[j]);
      const auto row = static_cast<int64_t>(j);
      if (score < threshold || !accept(group.representative, row)) continue;
      is_taken[j] = true;
      group.rows.push_back({row, score});
    }
    if (!group.rows.empty()) groups.push_back(group);
  }
  return groups;
}

/// Pictures of some scenes: near to each other, and to a common mean.
Rows Scenes(size_t count, size_t scenes, size_t dimensions, float spread, uint32_t seed) {
  std::mt19937 generator(seed);
  const std::vector<float> mean = RandomDirection(dimensions, generator);
  std::vector<std::vector<float>> centres;
  for (size_t i = 0; i < scenes; ++i) centres.push_back(RandomDirection(dimensions, generator));
  Rows rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back(ToHalves(
        Mixed({mean, centres[generator() % scenes], RandomDirection(dimensions, generator)},
              {0.5F, 1.0F, spread * static_cast<float>(generator() % 100) * 0.01F})));
  }
  return rows;
}

class AllPairsTest : public testing::TestWithParam<InstructionSet> {
 protected:
  std::vector<AlikeGroup> Group(const Rows& rows, float threshold, const Accept& accept) {
    reads_ = 0;
    const ComparedVectors vectors = {
        .rows = static_cast<int64_t>(rows.size()),
        .dimensions = rows.empty() ? 3 : static_cast<int64_t>(rows.front().size()),
        .read = [&](int64_t row, std::span<uint16_t> halves) {
          ++reads_;
          std::ranges::copy(rows[static_cast<size_t>(row)], halves.begin());
        }};
    return GroupByRepresentative(ComputeRuntime::From(*runtime_), vectors, threshold, accept);
  }

  void ExpectTruth(const Rows& rows, float threshold, const Accept& accept) {
    const std::vector<AlikeGroup> found = Group(rows, threshold, accept);
    const std::vector<AlikeGroup> truth = NaiveGroups(rows, threshold, accept);
    ASSERT_EQ(found.size(), truth.size());
    for (size_t i = 0; i < truth.size(); ++i) {
      ASSERT_EQ(found[i].representative, truth[i].representative);
      ASSERT_EQ(found[i].rows, truth[i].rows) << "of " << truth[i].representative;
    }
  }

  size_t reads_ = 0;

 private:
  const std::shared_ptr<const Runtime> runtime_ =
      Runtime::Create({.threads = 3, .instruction_set = std::string(ToString(GetParam()))});
};

bool Always(int64_t /*representative*/, int64_t /*row*/) { return true; }

TEST_P(AllPairsTest, EqualsADoubleLoop) {
  for (size_t dimensions : {1U, 3U, 17U, 128U, 770U}) {
    for (size_t count : {0U, 1U, 2U, 256U, 257U, 600U}) {
      const Rows rows = Scenes(count, 40, dimensions, 0.5F, static_cast<uint32_t>(count));
      for (float threshold : {0.999F, 0.96F, 0.9F, 0.3F}) ExpectTruth(rows, threshold, Always);
    }
  }
}

TEST_P(AllPairsTest, TakesOnlyWhatIsAccepted) {
  const Rows rows = Scenes(1200, 20, 64, 0.3F, 1);
  ExpectTruth(rows, 0.9F, [](int64_t a, int64_t b) { return (a * 7 + b * 13) % 3 == 0; });
  // It is asked about pairs that are alike and free, and no others.
  std::vector<bool> is_taken(rows.size());
  Group(rows, 0.9F, [&](int64_t representative, int64_t row) {
    EXPECT_LT(representative, row);
    EXPECT_FALSE(is_taken[static_cast<size_t>(representative)]);
    EXPECT_FALSE(is_taken[static_cast<size_t>(row)]);
    EXPECT_GE(reference::DotHalves(ToFloats(rows[static_cast<size_t>(representative)]),
                                   rows[static_cast<size_t>(row)]),
              0.9F);
    return is_taken[static_cast<size_t>(row)] = (representative + row) % 2 == 0;
  });
}

// Between thousands of representatives and the rows behind them, rows are closed up many times.
TEST_P(AllPairsTest, ManyRowsInFewGroups) {
  ExpectTruth(Scenes(3000, 400, 32, 0.2F, 2), 0.9F, Always);
}

TEST_P(AllPairsTest, AllAlike) {
  const Rows rows(2000, ToHalves({0.6F, 0.8F, 0.0F}));
  const std::vector<AlikeGroup> groups = Group(rows, 0.96F, Always);
  ASSERT_EQ(groups.size(), 1);
  EXPECT_EQ(groups[0].representative, 0);
  EXPECT_EQ(groups[0].rows.size(), rows.size() - 1);
  EXPECT_LT(reads_, 2 * rows.size() + 10);
  // None is taken: every pair is asked about, once.
  size_t asked = 0;
  EXPECT_TRUE(Group(rows, 0.96F, [&](int64_t, int64_t) {
                ++asked;
                return false;
              }).empty());
  EXPECT_EQ(asked, rows.size() * (rows.size() - 1) / 2);
  EXPECT_LT(reads_, 10 * rows.size()) << "a row is read once for all representatives of a block";
}

// Scores that bytes cannot tell from the threshold.
TEST_P(AllPairsTest, TheThresholdItselfIsReached) {
  std::mt19937 generator(3);
  const std::vector<uint16_t> base = ToHalves(Mixed({RandomDirection(128, generator)}, {1.0F}));
  Rows rows = {base};
  for (int i = 0; i < 400; ++i) {
    rows.push_back(base);
    for (int change = 0; change < 3; ++change) rows.back()[generator() % base.size()] ^= 1U;
  }
  for (size_t row : {1U, 100U, 399U}) {
    const float score = reference::DotHalves(ToFloats(base), rows[row]);
    ExpectTruth(rows, score, Always);
    ExpectTruth(rows, std::nextafter(score, 2.0F), Always);
  }
}

TEST_P(AllPairsTest, ZeroAndLongAndShortVectors) {
  std::mt19937 generator(4);
  Rows rows;
  for (int i = 0; i < 300; ++i) {
    std::vector<float> vector = RandomDirection(9, generator);
    for (float& value : vector) value *= i % 10 == 0 ? 0.0F : std::pow(10.0F, i % 7 - 4);
    rows.push_back(ToHalves(vector));
  }
  for (float threshold : {-1e6F, -1.0F, 0.0F, 1e-6F, 0.5F, 1000.0F}) {
    ExpectTruth(rows, threshold, Always);
  }
}

TEST_P(AllPairsTest, RefusesWhatItCannotCompare) {
  const Rows rows = {{0x3C00}, {0x7C00}};
  ExpectError(ErrorCode::kInvalidArgument, {"row 1: ", "finite"},
              [&] { Group(rows, 0.5F, Always); });
  for (float threshold : {NAN, INFINITY}) {
    ExpectError(ErrorCode::kInvalidArgument, {"threshold"},
                [&] { Group({{0x3C00}}, threshold, Always); });
  }
  ExpectError(ErrorCode::kInvalidArgument, {"dimensions"}, [&] { Group({{}}, 0.5F, Always); });
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, AllPairsTest,
                         testing::ValuesIn(SupportedInstructionSets()),
                         [](const testing::TestParamInfo<InstructionSet>& info) {
                           return std::string(ToString(info.param));
                         });

}  // namespace
}  // namespace siglip
