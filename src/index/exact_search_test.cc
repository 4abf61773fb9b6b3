#include "index/exact_search.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <optional>
#include <set>

#include "base/cpu_features.h"
#include "expect_error.h"
#include "index/search_test_support.h"
#include "scratch_folder.h"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

/// A runtime of an instruction set and vectors: those with ids up to a limit in a scan file, the
/// others in memory.
class ExactSearchTest : public testing::TestWithParam<InstructionSet> {
 protected:
  void Use(StoredVectors vectors, int64_t last_scanned_id = INT64_MAX) {
    stored_ = std::move(vectors);
    const auto dimensions = static_cast<int64_t>(stored_.begin()->second.size());
    const auto end = stored_.upper_bound(last_scanned_id);
    const ScanSpace space = {.uuid = {}, .dimensions = dimensions};
    ScanFileWriter(path_, space)
        .WriteAnew([&, next = stored_.begin()]() mutable -> std::optional<ScanRow> {
          if (next == end) return std::nullopt;
          const auto& [id, halves] = *next++;
          return ScanRow{id, halves};
        });
    file_.emplace(ScanFile::Open(path_, space));
    Hold(end);
    vectors_.scan_file = &*file_;
    vectors_.dimensions = dimensions;
    vectors_.read = [this](int64_t id, std::span<uint16_t> halves) {
      ++reads_;
      const auto found = stored_.find(id);
      if (found == stored_.end()) return false;
      std::ranges::copy(found->second, halves.begin());
      return true;
    };
  }

  /// Nothing is scanned, all is in memory.
  void UseNoFile() {
    Hold(stored_.begin());
    vectors_.scan_file = nullptr;
  }

  std::vector<ScoredContent> Search(const std::vector<float>& query, size_t k,
                                    const ContentFilter* filter = nullptr) {
    reads_ = 0;
    return ExactSearch(ComputeRuntime::From(*runtime_), vectors_, query, k, filter);
  }

  void ExpectTruth(const std::vector<float>& query, size_t k,
                   const ContentFilter* filter = nullptr) {
    const std::vector<ScoredContent> found = Search(query, k, filter);
    const std::vector<ScoredContent> truth = FullComparison(stored_, query, k, filter);
    ASSERT_EQ(found.size(), truth.size());
    for (size_t i = 0; i < truth.size(); ++i) {
      ASSERT_EQ(found[i].id, truth[i].id) << "hit " << i << " of " << k;
      ASSERT_EQ(std::bit_cast<uint32_t>(found[i].score), std::bit_cast<uint32_t>(truth[i].score));
    }
  }

  std::vector<float> Stored(size_t index) const {
    std::vector<float> vector;
    for (const uint16_t half : std::next(stored_.begin(), static_cast<int64_t>(index))->second) {
      vector.push_back(Float16ToFloat(half));
    }
    return vector;
  }

  /// Near a vector, as a picture is.
  std::vector<float> PictureQuery(std::mt19937& generator) const {
    const std::vector<float> near = Stored(generator() % stored_.size());
    return Mixed({near, RandomDirection(near.size(), generator)}, {1.0F, 0.02F});
  }
  /// Far from all vectors, as a text is, with a slight lean to one.
  std::vector<float> TextQuery(std::mt19937& generator) const {
    const std::vector<float> near = Stored(generator() % stored_.size());
    return Mixed({near, RandomDirection(near.size(), generator)},
                 {0.1F, 1.0F / std::sqrt(static_cast<float>(near.size()))});
  }

  StoredVectors stored_;
  SearchedVectors vectors_ = {};
  size_t reads_ = 0;

 private:
  void Hold(StoredVectors::const_iterator begin) {
    held_ids_.clear();
    held_halves_.clear();
    for (; begin != stored_.end(); ++begin) {
      held_ids_.push_back(begin->first);
      held_halves_.insert(held_halves_.end(), begin->second.begin(), begin->second.end());
    }
    vectors_.held_ids = held_ids_;
    vectors_.held_halves = held_halves_;
  }

  const std::shared_ptr<const Runtime> runtime_ =
      Runtime::Create({.threads = 3, .instruction_set = std::string(ToString(GetParam()))});
  const ScratchFolder folder_;
  const std::filesystem::path path_ = folder_ / "scan.i8";
  std::optional<ScanFile> file_;
  std::vector<int64_t> held_ids_;
  std::vector<uint16_t> held_halves_;
};

TEST_P(ExactSearchTest, EqualsAFullComparison) {
  std::mt19937 generator(1);
  for (size_t dimensions : {1U, 3U, 64U, 128U, 768U, 1152U}) {
    Use(ClusteredVectors(1500, dimensions, 2));
    for (int trial = 0; trial < 3; ++trial) {
      for (size_t k : {0U, 1U, 20U}) {
        ExpectTruth(PictureQuery(generator), k);
        ExpectTruth(TextQuery(generator), k);
      }
    }
    for (size_t k : {1499U, 1500U, 1501U, 100000U}) ExpectTruth(TextQuery(generator), k);
  }
}

TEST_P(ExactSearchTest, ReadsFewVectors) {
  std::mt19937 generator(3);
  Use(ClusteredVectors(5000, 768, 4));
  for (int trial = 0; trial < 5; ++trial) {
    ExpectTruth(PictureQuery(generator), 10);
    EXPECT_LT(reads_, 500);
    ExpectTruth(TextQuery(generator), 10);
    EXPECT_LT(reads_, 500);
  }
}

TEST_P(ExactSearchTest, VectorsBeyondTheFileAndWithoutOne) {
  std::mt19937 generator(5);
  const StoredVectors vectors = ClusteredVectors(1300, 128, 6);
  for (int64_t last_scanned_id : {0, 1, 100, 2000, 3800}) {
    Use(vectors, last_scanned_id);
    for (size_t k : {1U, 20U, 1300U}) {
      ExpectTruth(PictureQuery(generator), k);
      ExpectTruth(TextQuery(generator), k);
    }
  }
  UseNoFile();
  for (size_t k : {1U, 20U, 1300U, 1301U}) {
    ExpectTruth(PictureQuery(generator), k);
    EXPECT_EQ(reads_, 0);
  }
}

TEST_P(ExactSearchTest, EqualScoresComeByContentId) {
  std::mt19937 generator(7);
  for (size_t dimensions : {3U, 128U}) {
    // Five different vectors, each many times.
    const StoredVectors few = ClusteredVectors(5, dimensions, 8);
    StoredVectors vectors;
    for (int64_t id = 1; id <= 2000; ++id) {
      vectors[id] = std::next(few.begin(), static_cast<int64_t>(generator() % 5))->second;
    }
    for (int64_t last_scanned_id : {2000, 1000}) {
      Use(vectors, last_scanned_id);
      for (size_t k : {1U, 7U, 500U, 1999U}) {
        ExpectTruth(PictureQuery(generator), k);
        ExpectTruth(TextQuery(generator), k);
      }
    }
  }
}

// The last place is decided by a difference that bytes cannot see.
TEST_P(ExactSearchTest, NearlyEqualVectorsAreToldApart) {
  std::mt19937 generator(9);
  StoredVectors vectors;
  const std::vector<uint16_t> base = ToHalves(Mixed({RandomDirection(128, generator)}, {1.0F}));
  for (int64_t id = 1; id <= 1000; ++id) {
    std::vector<uint16_t>& halves = vectors[id] = base;
    for (int change = 0; change < 3; ++change) halves[generator() % halves.size()] ^= 1U;
  }
  Use(vectors);
  for (size_t k : {1U, 10U, 300U}) {
    ExpectTruth(PictureQuery(generator), k);
    ExpectTruth(TextQuery(generator), k);
  }
}

// The estimate of the first is far above its score and that of the second as far below.
TEST_P(ExactSearchTest, AnEstimateAloneLeavesNothingOut) {
  constexpr size_t kDimensions = 128;
  const float step = 1.0F / 128;  // the largest number is 127 of them
  std::vector<float> high(kDimensions, 10.53125F * step);
  std::vector<float> low(kDimensions, 10.46875F * step);
  for (size_t i = 1; i < kDimensions; i += 4) high[i] -= step;
  high[0] = low[0] = 127 * step;
  Use({{1, ToHalves(high)}, {2, ToHalves(low)}});
  const std::vector<float> query(kDimensions, 1.0F);
  ASSERT_EQ(FullComparison(stored_, query, 1)[0].id, 2);
  ExpectTruth(query, 1);
}

TEST_P(ExactSearchTest, ZeroAndLongAndShortVectors) {
  std::mt19937 generator(10);
  StoredVectors vectors;
  for (int64_t id = 1; id <= 300; ++id) {
    std::vector<float> vector = RandomDirection(17, generator);
    const float length = std::pow(10.0F, static_cast<float>(id % 9) - 6);
    for (float& value : vector) value *= id % 10 == 0 ? 0.0F : length;
    vectors[id] = ToHalves(vector);
  }
  Use(vectors);
  for (float length : {1e-20F, 1.0F, 1e20F}) {
    std::vector<float> query = RandomDirection(17, generator);
    for (float& value : query) value *= length;
    for (size_t k : {1U, 30U, 200U, 300U}) ExpectTruth(query, k);
  }
}

TEST_P(ExactSearchTest, FilterLeavesKHitsWhereThereAreSome) {
  std::mt19937 generator(11);
  const StoredVectors vectors = ClusteredVectors(1500, 128, 12);
  for (int64_t last_scanned_id : {int64_t{2000}, INT64_MAX}) {
    Use(vectors, last_scanned_id);
    for (size_t wanted : {0U, 1U, 5U, 100U, 1499U}) {
      ContentFilter filter;
      std::set<int64_t> ids;
      while (ids.size() < wanted) {
        const auto row = static_cast<int64_t>(generator() % vectors.size());
        ids.insert(std::next(vectors.begin(), row)->first);
      }
      for (const int64_t id : ids) filter.Add(id);
      filter.Add(100000);  // not there
      for (size_t k : {1U, 20U, 2000U}) {
        EXPECT_EQ(Search(PictureQuery(generator), k, &filter).size(), std::min(k, wanted));
        ExpectTruth(PictureQuery(generator), k, &filter);
        ExpectTruth(TextQuery(generator), k, &filter);
      }
    }
  }
}

TEST_P(ExactSearchTest, RecordsWithoutAVectorAreNoHits) {
  std::mt19937 generator(13);
  Use(ClusteredVectors(1500, 128, 14));
  const std::vector<float> query = PictureQuery(generator);
  // Three times the best are gone, though the file has them still.
  for (int trial = 0; trial < 3; ++trial) {
    for (const ScoredContent& hit : FullComparison(stored_, query, 200)) stored_.erase(hit.id);
    for (size_t k : {1U, 20U, 900U, 2000U}) ExpectTruth(query, k);
  }
}

TEST_P(ExactSearchTest, RefusesWhatItCannotSearch) {
  Use(ClusteredVectors(10, 3, 15));
  const auto expect = [&](ErrorCode code, const std::vector<float>& query) {
    ExpectError(code, {"query"}, [&] { Search(query, 0); });
  };
  expect(ErrorCode::kMismatch, {1.0F, 1.0F});
  expect(ErrorCode::kMismatch, {});
  expect(ErrorCode::kInvalidArgument, {0.0F, 0.0F, 0.0F});
  expect(ErrorCode::kInvalidArgument, {1.0F, NAN, 0.0F});
  vectors_.dimensions = 4;
  expect(ErrorCode::kMismatch, {1.0F, 1.0F, 1.0F, 1.0F});
  vectors_.dimensions = 3;
  const std::vector<int64_t> ids = {90, 91};
  vectors_.held_ids = ids;
  ExpectError(ErrorCode::kMismatch, {"expected 2 rows"}, [&] { Search({1, 1, 1}, 1); });
}

TEST_P(ExactSearchTest, VectorsThatAreNotFiniteAreTold) {
  Use({{1, {0x3C00}}, {2, {0x3C00}}}, 1);
  stored_[1] = {0x7E00};
  ExpectError(ErrorCode::kMalformedFile, {"content 1"}, [&] { Search({1}, 1); });
  Use({{1, {0x3C00}}, {2, {0x7C00}}}, 1);
  ExpectError(ErrorCode::kMalformedFile, {"content 2"}, [&] { Search({1}, 1); });
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, ExactSearchTest,
                         testing::ValuesIn(SupportedInstructionSets()),
                         [](const testing::TestParamInfo<InstructionSet>& info) {
                           return std::string(ToString(info.param));
                         });

TEST(ContentFilterTest, HoldsIds) {
  ContentFilter filter;
  for (int64_t id : {1, 63, 64, 65, 1000000}) filter.Add(id);
  for (int64_t id : {1, 63, 64, 65, 1000000}) EXPECT_TRUE(filter.Contains(id)) << id;
  for (int64_t id : {int64_t{0}, int64_t{2}, int64_t{62}, int64_t{66}, int64_t{1000001},
                     int64_t{-1}, INT64_MIN, INT64_MAX}) {
    EXPECT_FALSE(filter.Contains(id)) << id;
  }
  for (int64_t id : {int64_t{0}, int64_t{-1}, ContentFilter::kMostId + 1, INT64_MAX}) {
    ExpectError(ErrorCode::kLimitExceeded, {"content id"}, [&] { filter.Add(id); });
  }
}

}  // namespace
}  // namespace siglip
