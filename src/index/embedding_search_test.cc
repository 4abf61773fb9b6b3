#include "siglip/embedding_search.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "expect_error.h"
#include "index/search_test_support.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

constexpr size_t kSearchDimensions = 24;

std::vector<float> Floats(const std::vector<uint16_t>& halves) {
  std::vector<float> values;
  for (const uint16_t half : halves) values.push_back(Float16ToFloat(half));
  return values;
}

std::shared_ptr<const Runtime> OneThread() {
  return Runtime::Create({.threads = 1, .instruction_set = {}});
}

TEST(EmbeddingSearch, FindsWhatAFullComparisonFinds) {
  const StoredVectors vectors = ClusteredVectors(5000, kSearchDimensions, 1);
  EmbeddingSearch search(kSearchDimensions, std::nullopt, OneThread());
  StoredVectors by_row;
  for (const auto& [id, halves] : vectors) {
    by_row[id] = halves;  // with gaps
    search.Add(id, std::to_string(id), Floats(halves));
  }
  std::mt19937 generator(2);
  const std::vector<float> query = Mixed({RandomDirection(kSearchDimensions, generator)}, {1.0F});
  const SearchResult result = search.Search({{.vector = query}}, {.top = 50});
  const std::vector<ScoredContent> expected = FullComparison(by_row, query, 50);
  EXPECT_EQ(result.total, 5000);
  ASSERT_EQ(result.hits.size(), 50U);
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(result.hits[i].id, expected[i].id);
    EXPECT_EQ(result.hits[i].path, std::to_string(expected[i].id));
    EXPECT_EQ(result.hits[i].score, expected[i].score);
  }
}

TEST(EmbeddingSearch, TheSampleDoesNotDependOnTheOrderOfRows) {
  const StoredVectors vectors = ClusteredVectors(5000, kSearchDimensions, 3);
  const std::vector<float> query = Floats(vectors.begin()->second);
  std::vector<SearchResult> results;
  for (const bool backwards : {false, true}) {
    std::vector<std::pair<int64_t, std::vector<uint16_t>>> rows(vectors.begin(), vectors.end());
    if (backwards) std::ranges::reverse(rows);
    EmbeddingSearch search(kSearchDimensions, std::nullopt, OneThread());
    int64_t row = 0;
    for (const auto& [id, halves] : rows) search.Add(row++, std::to_string(id), Floats(halves));
    results.push_back(search.Search({{.vector = query}}));
  }
  EXPECT_NEAR(results[0].mean.value(), results[1].mean.value(), 1e-9);
  EXPECT_NEAR(results[0].deviation.value(), results[1].deviation.value(), 1e-9);
}

TEST(EmbeddingSearch, RowsAreDividedByTheirNorms) {
  EmbeddingSearch search(2, std::nullopt, OneThread());
  search.Add(0, "a", std::vector<float>{300, 400});
  search.Add(1, "b", std::vector<float>{1e-20F, 0});
  const SearchResult result = search.Search({{.vector = {1, 0}}});
  EXPECT_EQ(result.hits.at(0).path, "b");
  EXPECT_EQ(result.hits.at(0).score, 1);
  EXPECT_NEAR(result.hits.at(1).score, 0.6, 1e-3);
}

TEST(EmbeddingSearch, WhatIsNoRow) {
  EmbeddingSearch search(2, std::nullopt, OneThread());
  search.Add(0, "first", std::vector<float>{1, 0});
  const float infinite = std::numeric_limits<float>::infinity();
  for (const std::vector<float>& vector :
       {std::vector<float>{0, 0}, {1, infinite}, {std::nanf(""), 1}, {1e-45F, 0}}) {
    ExpectError(ErrorCode::kInvalidArgument, {"row 1 (second)"},
                [&] { search.Add(1, "second", vector); });
  }
  ExpectError(ErrorCode::kMismatch, {"row 1 (second)", "expected 2", "found 3"}, [&] {
    search.Add(1, "second", std::vector<float>{1, 2, 3});
  });
  for (const int64_t row : {-1, 0}) {
    ExpectError(ErrorCode::kInvalidArgument, {"(second)", "expected row 1"}, [&] {
      search.Add(row, "second", std::vector<float>{1, 0});
    });
  }
  ExpectError(ErrorCode::kLimitExceeded, {"row 4294967296"}, [&] {
    search.Add(int64_t{1} << 32, "second", std::vector<float>{1, 0});
  });
  EXPECT_EQ(search.Search({{.vector = {1, 0}}}).total, 1);
  ExpectError(ErrorCode::kInvalidArgument, {"dimension"}, [] { EmbeddingSearch none(0); });
}

TEST(EmbeddingSearch, UnderKnowsLinksToFolders) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder / "photos/more");
  std::filesystem::create_directory_symlink(folder / "photos", folder / "link");
  EmbeddingSearch search(1, std::nullopt, OneThread());
  int64_t row = 0;
  for (const char* const name : {"photos/a", "photos/more/b", "link/more/c", "photos-2/d"}) {
    search.Add(row++, folder / name, std::vector<float>{1});
  }
  const auto found = [&](const std::filesystem::path& under) {
    const SearchResult result = search.Search({{.vector = {1}}}, {.filter = {.under = under}});
    EXPECT_EQ(result.total, static_cast<int64_t>(result.hits.size()));
    std::vector<std::string> names;
    for (const Hit& hit : result.hits) names.push_back(std::filesystem::path(hit.path).filename());
    return names;
  };
  EXPECT_EQ(found(folder / "photos"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(found(folder / "link/more"), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(found(folder / "photos/mo"), (std::vector<std::string>{}));
}

TEST(EmbeddingSearch, FiltersThatItCannotTell) {
  EmbeddingSearch search(1, std::nullopt, OneThread());
  search.Add(0, "a", std::vector<float>{1});
  for (const SearchFilter& filter : {SearchFilter{.after = 0}, SearchFilter{.before = 0},
                                     SearchFilter{.format = "png"}, SearchFilter{.min_width = 1}}) {
    ExpectError(ErrorCode::kInvalidArgument, {"filter"},
                [&] { search.Search({{.vector = {1}}}, {.filter = filter}); });
  }
}

}  // namespace
}  // namespace siglip
