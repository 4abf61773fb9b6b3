#include "siglip/index.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/embedder_test_support.h"
#include "expect_error.h"
#include "index/file_table.h"
#include "index/index_test_support.h"
#include "index/schema.h"
#include "index/search_test_support.h"
#include "kernels/reference.h"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {
namespace {

using Paths = std::vector<std::string>;

class IndexTest : public EmbedderTest {
 protected:
  void SetUp() override { std::filesystem::create_directory(pictures_); }

  /// A portable pixmap of noise. Those of the same seed and another remark show the same.
  std::string Add(const std::string& name, int seed, int width = 16,
                  const std::string& remark = "") const {
    std::filesystem::create_directories((pictures_ / name).parent_path());
    std::mt19937 generator(static_cast<uint32_t>(seed));
    std::string bytes = "P6\n#" + remark + "\n" + std::to_string(width) + " 12\n255\n";
    const auto base = static_cast<uint8_t>(generator());
    for (int i = 0; i < width * 12 * 3; ++i) {
      bytes += static_cast<char>((base + generator() % (20 + 60 * (seed % 4))) % 256);
    }
    return WriteBytes("pictures/" + name, bytes);
  }
  void AddMany(int count, const std::string& folder = "") const {
    for (int i = 0; i < count; ++i) Add(folder + std::to_string(i) + ".ppm", 1'000 + i);
  }
  UpdateCounts Update(const UpdateOptions& options = {}) const {
    return IndexWriter(folder_).Update(embedder_, "demo", pictures_, options);
  }
  Index Open() const { return Index(folder_, Threads(2)); }

  static QueryPart Towards(uint32_t seed, double weight = 1) {
    std::mt19937 generator(seed);
    return {.vector = RandomDirection(kDimensions, generator), .weight = weight};
  }
  /// What is in the index, by content.
  static StoredVectors Vectors(const Index& index) {
    StoredVectors vectors;
    index.ForEachFile([&](const IndexedFile& file) {
      vectors[file.content] = ToHalves(file.vector);
      return true;
    });
    return vectors;
  }
  static void ExpectHits(const std::vector<Hit>& hits, const std::vector<ScoredContent>& expected) {
    ASSERT_EQ(hits.size(), expected.size());
    for (size_t i = 0; i < hits.size(); ++i) {
      EXPECT_EQ(hits[i].id, expected[i].id) << i;
      EXPECT_TRUE(SameBits(hits[i].score, expected[i].score)) << i;
    }
  }
  /// Against a full comparison with what ForEachFile says.
  static void ExpectExact(const Index& index, uint32_t seed, int64_t top = 20) {
    const QueryPart part = Towards(seed);
    const SearchResult found = index.Search({part}, {.top = top, .fold = false});
    const std::vector<float> query = Mixed({part.vector}, {1});
    const StoredVectors vectors = Vectors(index);
    EXPECT_EQ(found.total, static_cast<int64_t>(vectors.size()));
    ExpectHits(found.hits, FullComparison(vectors, query, static_cast<size_t>(top)));
  }
  static bool SameBits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  static Paths PathsOf(const SearchResult& result) {
    Paths paths;
    for (const Hit& hit : result.hits) {
      paths.push_back(hit.path);
      paths.insert(paths.end(), hit.copies.begin(), hit.copies.end());
    }
    std::ranges::sort(paths);
    return paths;
  }
  Paths Within(const Paths& names) const {
    Paths paths;
    for (const std::string& name : names) paths.push_back(pictures_ / name);
    std::ranges::sort(paths);
    return paths;
  }
  void Execute(const std::string& sql) const {
    OpenIndexDatabase(folder_, Database::Access::kWrite).Execute(sql);
  }

  const std::filesystem::path folder_ = scratch_ / "index";
  const std::filesystem::path pictures_ = std::filesystem::canonical(scratch_.path()) / "pictures";
  const Embedder embedder_ = OpenDemo();
};

TEST_F(IndexTest, HoldsTheEmbeddingsOfTheEmbedder) {
  Add("a.ppm", 1);
  Add("b/\xFF.ppm", 2);
  Add("b.ppm", 2);  // a copy
  Update();
  std::map<std::string, std::vector<uint16_t>> found;
  Paths order;
  Open().ForEachFile([&](const IndexedFile& file) {
    found[file.path] = ToHalves(file.vector);
    order.push_back(file.path);
    return true;
  });
  EXPECT_EQ(order, Within({"a.ppm", "b.ppm", "b/\xFF.ppm"}));
  for (const auto& [path, halves] : found) {
    const Tensor expected = EmbedOne(embedder_, Picture::File(path), {.normalize = true});
    EXPECT_EQ(halves, ToHalves({expected.floats().begin(), expected.floats().end()})) << path;
  }
}

TEST_F(IndexTest, SearchesEqualAFullComparison) {
  AddMany(300);
  Update();
  const Index index = Open();
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    for (const int64_t top : {1, 7, 300, 1'000}) ExpectExact(index, seed, top);
  }
}

TEST_F(IndexTest, WhatComesAndGoesIsFoundAtOnce) {
  AddMany(40);
  Update();
  const Index index = Open();
  ExpectExact(index, 1);
  for (int i = 0; i < 40; i += 3) {
    std::filesystem::remove(pictures_ / (std::to_string(i) + ".ppm"));
  }
  Add("new.ppm", 1);
  EXPECT_EQ(Update().missing, 14U);
  EXPECT_EQ(Vectors(index).size(), 27U);
  ExpectExact(index, 1);
  IndexWriter(folder_).Prune();
  ExpectExact(index, 1);
  EXPECT_EQ(index.Verify(), Paths());
}

TEST_F(IndexTest, AScanFileThatCannotBeUsedChangesNothing) {
  AddMany(50);
  Update();
  const std::filesystem::path scan = folder_ / "scan.i8";
  const auto size = std::filesystem::file_size(scan);

  std::filesystem::copy_file(scan, scratch_ / "kept");
  std::filesystem::resize_file(scan, size - 1);
  ExpectExact(Open(), 1);
  EXPECT_EQ(Open().Verify().size(), 1U);

  std::filesystem::remove(scan);
  ExpectExact(Open(), 1);
  EXPECT_EQ(Open().Verify().size(), 1U);

  const std::filesystem::path other = scratch_ / "other";
  IndexWriter(other).Update(embedder_, "demo", pictures_);
  std::filesystem::copy_file(other / "scan.i8", scan);
  ExpectExact(Open(), 1);
  EXPECT_EQ(Open().Verify().size(), 1U);

  EXPECT_EQ(Update().embedded, 0U);  // whoever writes next derives it again
  EXPECT_EQ(Open().Verify(), Paths());
  ExpectExact(Open(), 1);
}

TEST_F(IndexTest, FiltersLeaveNothingOutThatPasses) {
  AddMany(20);
  AddMany(8, "sub/");  // the same bytes
  Add("sub/wide.ppm", 7, 40);
  Add("sub-b/x.ppm", 8, 40);
  Add("sub/deep/y.ppm", 9);
  Update();
  Execute("UPDATE content SET taken = 1000 WHERE width = 40");
  Execute(
      "UPDATE content SET taken = 2000, format = 'png' WHERE id = (SELECT content FROM file"
      " WHERE CAST(path AS TEXT) = 'sub/deep/y.ppm')");
  const Index index = Open();
  const auto search = [&](const SearchFilter& filter) {
    const SearchResult result =
        index.Search({Towards(3)}, {.top = 100, .filter = filter, .fold = false});
    EXPECT_EQ(result.total, static_cast<int64_t>(result.hits.size()));
    return PathsOf(result);
  };
  Paths sub = {"sub/wide.ppm", "sub/deep/y.ppm"};
  for (int i = 0; i < 8; ++i) sub.push_back("sub/" + std::to_string(i) + ".ppm");
  EXPECT_EQ(search({.under = pictures_ / "sub"}), Within(sub));
  EXPECT_EQ(search({.under = pictures_ / "sub/"}), Within(sub));
  EXPECT_EQ(search({.under = pictures_ / "su"}), Paths());
  EXPECT_EQ(search({.under = "/"}).size(), 31U);
  EXPECT_EQ(search({.under = pictures_}).size(), 31U);
  EXPECT_EQ(search({.under = scratch_ / "elsewhere"}), Paths());
  EXPECT_EQ(search({.min_width = 17}), Within({"sub/wide.ppm", "sub-b/x.ppm"}));
  EXPECT_EQ(search({.min_width = 41}), Paths());
  EXPECT_EQ(search({.format = "png"}), Within({"sub/deep/y.ppm"}));
  EXPECT_EQ(search({.format = "pnm"}).size(), 30U);
  EXPECT_EQ(search({.after = 1000}), Within({"sub/wide.ppm", "sub-b/x.ppm", "sub/deep/y.ppm"}));
  EXPECT_EQ(search({.after = 1001}), Within({"sub/deep/y.ppm"}));
  EXPECT_EQ(search({.before = 2000}), Within({"sub/wide.ppm", "sub-b/x.ppm"}));
  EXPECT_EQ(search({.before = 1000}), Paths());
  EXPECT_EQ(search({.under = pictures_ / "sub", .before = 2000, .min_width = 40}),
            Within({"sub/wide.ppm"}));
}

TEST_F(IndexTest, FilteredSearchesAreExact) {
  AddMany(60);
  for (int i = 0; i < 60; i += 2) Add("wide/" + std::to_string(i) + ".ppm", i, 30);
  Update();
  const Index index = Open();
  StoredVectors wide;
  index.ForEachFile([&](const IndexedFile& file) {
    if (file.path.find("/wide/") != std::string::npos) wide[file.content] = ToHalves(file.vector);
    return true;
  });
  ASSERT_EQ(wide.size(), 30U);
  const QueryPart part = Towards(4);
  ExpectHits(index.Search({part}, {.top = 10, .filter = {.min_width = 30}, .fold = false}).hits,
             FullComparison(wide, Mixed({part.vector}, {1}), 10));
}

TEST_F(IndexTest, TheSameBytesAreOneHit) {
  Add("b.ppm", 1);
  Add("a.ppm", 1);
  Add("c/d.ppm", 1);
  EXPECT_EQ(Update().embedded, 1U);
  const std::vector<Hit> hits = Open().Search({Towards(1)}).hits;
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].path, pictures_ / "a.ppm");
  EXPECT_EQ(hits[0].copies, Within({"b.ppm", "c/d.ppm"}));
  EXPECT_EQ(hits[0].format, "pnm");
  EXPECT_EQ(hits[0].width, 16);
  EXPECT_EQ(hits[0].height, 12);
  EXPECT_FALSE(hits[0].taken);
  EXPECT_FALSE(hits[0].probability);  // of no text
}

TEST_F(IndexTest, WhatShowsTheSameIsFoldedUnlessItIsKeptApart) {
  for (int i = 0; i < 30; ++i) {
    const std::string remark = "copy " + std::to_string(i);
    Add("same" + std::to_string(i) + ".ppm", 3, 16, remark);
  }
  Add("other.ppm", 2);
  Update();
  const Index index = Open();
  const SearchResult all = index.Search({Towards(2)}, {.top = 100, .fold = false});
  ASSERT_EQ(all.hits.size(), 31U);

  // Many fold into one hit: those behind them are found nevertheless.
  const SearchResult folded = index.Search({Towards(2)}, {.top = 2});
  ASSERT_EQ(folded.hits.size(), 2U);
  EXPECT_EQ(folded.total, 31);
  std::set<int64_t> ids;
  for (const Hit& hit : folded.hits) {
    ids.insert(hit.id);
    ids.insert(hit.alike.begin(), hit.alike.end());
    EXPECT_TRUE(std::ranges::is_sorted(hit.alike));  // their scores are equal
  }
  EXPECT_EQ(ids.size(), 31U);

  const int64_t first = folded.hits[0].alike.empty() ? folded.hits[1].id : folded.hits[0].id;
  Execute("INSERT INTO apart(a, b) VALUES (" + std::to_string(first) + ", " +
          std::to_string(first + 1) + ")");
  EXPECT_EQ(index.Search({Towards(2)}, {.top = 100}).hits.size(), 3U);
}

/// sigmoid(exp(scale) * cosine + bias), with what the model has learnt.
TEST_F(IndexTest, ProbabilityIsTheModelsJudgementOfALoneText) {
  AddMany(3);
  Update();
  const Index index = Open();
  QueryPart text = Towards(1);
  text.is_text = true;
  const double scale = std::exp(embedder_.logits().logit_scale());
  const double bias = embedder_.logits().logit_bias();
  for (const Hit& hit : index.Search({text}).hits) {
    ASSERT_TRUE(hit.probability);
    EXPECT_NEAR(*hit.probability, 1 / (1 + std::exp(-(scale * hit.score + bias))), 1e-6);
  }
  EXPECT_FALSE(index.Search({text, Towards(2)}).hits.at(0).probability);
}

TEST_F(IndexTest, HitsBelowTheLowestScoreAreNotShown) {
  AddMany(30);
  Update();
  const Index index = Open();
  const std::vector<Hit> all = index.Search({Towards(5)}, {.top = 100, .fold = false}).hits;
  for (const size_t last : {size_t{0}, size_t{12}, all.size() - 1}) {
    const auto found =
        index.Search({Towards(5)}, {.top = 100, .min_score = all[last].score, .fold = false}).hits;
    EXPECT_GE(found.size(), last + 1);
    for (const Hit& hit : found) EXPECT_GE(hit.score, all[last].score);
  }
  EXPECT_EQ(
      index.Search({Towards(5)}, {.min_score = std::nextafter(all[0].score, 2.0F)}).hits.size(),
      0U);
}

TEST_F(IndexTest, StandoutIsByTheSpreadOfAllScoresWhateverTheFilter) {
  AddMany(120);
  Add("wide.ppm", 5, 40);
  Update();
  const Index index = Open();
  const QueryPart part = Towards(6);
  const std::vector<float> query = Mixed({part.vector}, {1});
  std::vector<double> scores;
  for (const auto& [id, halves] : Vectors(index)) {
    scores.push_back(reference::DotHalves(query, halves));
  }
  double mean = 0;
  for (const double score : scores) mean += score / static_cast<double>(scores.size());
  double variance = 0;
  for (const double score : scores) {
    variance += std::pow(score - mean, 2) / static_cast<double>(scores.size());
  }
  for (const int64_t min_width : {0, 40}) {
    const SearchResult result = index.Search({part}, {.filter = {.min_width = min_width}});
    ASSERT_TRUE(result.mean && result.deviation);
    EXPECT_NEAR(*result.mean, mean, 1e-6);
    EXPECT_NEAR(*result.deviation, std::sqrt(variance), 1e-6);
    ASSERT_FALSE(result.hits.empty());
    for (const Hit& hit : result.hits) {
      ASSERT_TRUE(hit.standout);
      EXPECT_NEAR(*hit.standout, (hit.score - mean) / std::sqrt(variance), 1e-3);
    }
  }
}

/// Those with the smallest hashes, in whatever order they came.
TEST_F(IndexTest, OfManyPicturesASampleTellsTheSpread) {
  Add("a.ppm", 1);
  Update();
  {
    Database database = OpenIndexDatabase(folder_, Database::Access::kWrite);
    FileTable table(database);
    std::mt19937 generator(1);
    Transaction transaction(database);
    for (const auto& [number, halves] : ClusteredVectors(6'000, kDimensions, 2)) {
      NewContent content = {.hash = {}, .size = 1};
      for (uint8_t& byte : content.hash) byte = static_cast<uint8_t>(generator());
      content.vector = halves;
      table.PutFile({.root = 1, .path = std::to_string(number)}, table.PutContent(content));
    }
    transaction.Commit();
  }
  const QueryPart part = Towards(6);
  const std::vector<float> query = Mixed({part.vector}, {1});
  std::map<std::string, float> scores;
  const SearchResult result = Open().Search({part}, {.top = 10'000, .fold = false});
  for (const Hit& hit : result.hits) scores[hit.hash] = hit.score;
  ASSERT_EQ(scores.size(), 6'001U);
  double mean = 0;
  double squares = 0;
  auto score = scores.begin();
  for (int i = 0; i < 4'096; ++i, ++score) {
    mean += score->second / 4'096.0;
    squares += std::pow(score->second, 2) / 4'096;
  }
  EXPECT_NEAR(*result.mean, mean, 1e-9);
  EXPECT_NEAR(*result.deviation, std::sqrt(squares - mean * mean), 1e-7);
}

TEST_F(IndexTest, FewPicturesHaveNoStandout) {
  AddMany(99);
  Update();
  const Index index = Open();
  EXPECT_FALSE(index.Search({Towards(6)}).deviation);
  EXPECT_FALSE(index.Search({Towards(6)}).hits[0].standout);
  Add("hundredth.ppm", 1);
  Update();
  EXPECT_TRUE(index.Search({Towards(6)}).deviation);
}

TEST_F(IndexTest, TheOrderInWhichPicturesCameChangesNoScore) {
  AddMany(110);
  Update();
  const std::filesystem::path other = scratch_ / "other";
  const std::filesystem::path half = scratch_ / "half";
  std::filesystem::create_directory(half);
  for (int i = 40; i < 110; ++i) {
    const std::string name = std::to_string(i) + ".ppm";
    std::filesystem::copy_file(pictures_ / name, half / name);
  }
  {
    IndexWriter writer(other);
    writer.Update(embedder_, "demo", half);
    writer.Update(embedder_, "demo", pictures_);
    writer.Remove(half);
  }
  const std::vector<QueryPart> parts = {Towards(1), Towards(2, -0.5)};
  const SearchResult a = Open().Search(parts, {.top = 200});
  const SearchResult b = Index(other).Search(parts, {.top = 200});
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.deviation, b.deviation);
  ASSERT_EQ(a.hits.size(), b.hits.size());
  for (size_t i = 0; i < a.hits.size(); ++i) {
    EXPECT_EQ(a.hits[i].hash, b.hits[i].hash);
    EXPECT_TRUE(SameBits(a.hits[i].score, b.hits[i].score));
  }
}

TEST_F(IndexTest, NothingIndexed) {
  ExpectError(ErrorCode::kNotFound, {"there is no index", "siglip index"}, [&] { Open(); });
  { const IndexWriter writer(folder_); }
  const Index index = Open();
  EXPECT_FALSE(index.space());
  EXPECT_EQ(index.status().contents, 0);
  ExpectError(ErrorCode::kNotFound, {folder_, "nothing was indexed yet"},
              [&] { index.Search({Towards(1)}); });
  Update();  // an empty folder
  const SearchResult result = index.Search({Towards(1)});
  EXPECT_EQ(result.total, 0);
  EXPECT_TRUE(result.hits.empty());
  EXPECT_FALSE(result.mean);
}

TEST_F(IndexTest, AnotherKindOfEmbeddingsIsRefused) {
  Add("a.ppm", 1);
  Update();
  const Embedder other = OpenDemo(Precision::kInt8);
  ExpectError(ErrorCode::kMismatch, {folder_, "made with demo", "f32", "int8"},
              [&] { IndexWriter(folder_).Update(other, "other", pictures_); });
  // Looked for may be at any precision.
  EXPECT_NO_THROW(Open().CheckFits(other, EmbeddingContent::kPictures));
  EXPECT_NO_THROW(Open().CheckFits(embedder_, EmbeddingContent::kPictures));
}

TEST_F(IndexTest, FoldersDoNotLieInEachOther) {
  Add("sub/a.ppm", 1);
  IndexWriter writer(folder_);
  writer.Update(embedder_, "demo", pictures_);
  ExpectError(ErrorCode::kInvalidArgument, {pictures_ / "sub", "lies in " + pictures_.string()},
              [&] { writer.Update(embedder_, "demo", pictures_ / "sub"); });
  ExpectError(ErrorCode::kInvalidArgument, {"holds " + pictures_.string()},
              [&] { writer.Update(embedder_, "demo", pictures_.parent_path()); });
  ExpectError(ErrorCode::kNotFound, {"no such folder"},
              [&] { writer.Update(embedder_, "demo", scratch_ / "gone"); });
  ExpectError(ErrorCode::kInvalidArgument, {"is no folder"},
              [&] { writer.Update(embedder_, "demo", WriteBytes("file", "")); });
  EXPECT_EQ(writer.folders(), Paths({pictures_}));
  ExpectError(ErrorCode::kNotFound, {"no folder of the index", pictures_},
              [&] { writer.Remove(pictures_ / "sub"); });
  writer.Remove(pictures_);
  EXPECT_EQ(writer.folders(), Paths());
  EXPECT_EQ(Vectors(Open()).size(), 0U);
}

TEST_F(IndexTest, AWrongFolderBeginsNoIndex) {
  IndexWriter writer(folder_);
  ExpectError(ErrorCode::kNotFound, {"no such folder"},
              [&] { writer.Update(embedder_, "demo", scratch_ / "typo"); });
  EXPECT_FALSE(writer.space());
}

TEST_F(IndexTest, OneWriterAtATime) {
  const IndexWriter writer(folder_);
  ExpectError(ErrorCode::kIo, {folder_, "process " + std::to_string(::getpid())},
              [&] { IndexWriter second(folder_); });
}

TEST_F(IndexTest, AStoppedUpdateKeepsWhatItHasAndMarksNothing) {
  AddMany(30);
  Update();
  for (int i = 0; i < 5; ++i) std::filesystem::remove(pictures_ / (std::to_string(i) + ".ppm"));
  AddMany(20, "new/");
  for (int i = 0; i < 40; ++i) Add("z" + std::to_string(i) + ".ppm", i);
  std::atomic<bool> stop = false;
  UpdateListener listener;
  listener.progress = [&](const UpdateCounts& counts) { stop = counts.embedded >= 3; };
  const UpdateCounts counts =
      IndexWriter(folder_).Update(embedder_, "demo", pictures_, {}, listener, &stop);
  EXPECT_GE(counts.embedded, 3U);
  EXPECT_LT(counts.embedded, 40U);
  EXPECT_EQ(counts.missing, 0U);
  const Index index = Open();
  EXPECT_EQ(index.status().contents, static_cast<int64_t>(30 + counts.embedded));
  ExpectExact(index, 1);
  const UpdateCounts rest = Update();
  EXPECT_EQ(rest.embedded + counts.embedded, 40U);
  EXPECT_EQ(rest.missing, 5U);
}

TEST_F(IndexTest, AFolderThatVanishesIsADiskThatIsAway) {
  AddMany(101);
  Update();
  const std::filesystem::path away = scratch_ / "away";
  std::filesystem::rename(pictures_, away);
  const auto expect_guard = [&] {
    ExpectError(ErrorCode::kNotFound, {pictures_, "101 files", "--remove"}, [&] { Update(); });
    EXPECT_EQ(Open().status().folders.at(0).missing, 0);
  };
  expect_guard();
  std::filesystem::create_directory(pictures_);
  expect_guard();
  std::filesystem::remove(pictures_);
  std::filesystem::remove(away / "0.ppm");
  std::filesystem::rename(away, pictures_);
  EXPECT_EQ(Update().missing, 1U);
  std::filesystem::rename(pictures_, away);
  EXPECT_EQ(Update().missing, 100U);  // so few may have been removed
  EXPECT_EQ(Open().Search({Towards(1)}).total, 0);
  std::filesystem::rename(away, pictures_);
  const UpdateCounts back = Update();
  EXPECT_EQ(back.embedded, 0U);
  EXPECT_EQ(Open().Search({Towards(1)}).total, 100);
}

/// Every search sees one state between two commits, and the result is that of a full comparison.
TEST_F(IndexTest, ReadersBesideAWriterSeeCommittedStates) {
  AddMany(20);
  Update();
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  std::atomic<int> searches = 0;
  for (uint32_t reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      const Index index(folder_, Threads(1));
      int64_t before = 0;
      for (uint32_t seed = reader; !done; seed += 2) {
        const SearchResult found = index.Search({Towards(seed)}, {.top = 1'000, .fold = false});
        // Each round of the writer adds a pair in one commit.
        EXPECT_EQ(found.total % 2, 0);
        EXPECT_GE(found.total, before);
        EXPECT_EQ(found.hits.size(), static_cast<size_t>(found.total));
        for (const Hit& hit : found.hits) EXPECT_FALSE(hit.path.empty());
        before = found.total;
        ++searches;
      }
    });
  }
  for (int round = 0; round < 40; ++round) {
    Add("pair" + std::to_string(round) + "a.ppm", 2 * round);
    Add("pair" + std::to_string(round) + "b.ppm", 2 * round + 1);
    EXPECT_EQ(Update().embedded, 2U);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(searches, 20);
  EXPECT_EQ(Open().Search({Towards(1)}).total, 100);
  EXPECT_EQ(Open().Verify(), Paths());
}

TEST_F(IndexTest, TellsWhereAContentIs) {
  Add("b/one.ppm", 1);
  Add("a.ppm", 1);
  Add("two.ppm", 2, 20);
  Update();
  std::filesystem::remove(pictures_ / "b/one.ppm");
  const Index before = Open();
  const int64_t id = *before.ContentOf(pictures_ / "a.ppm");
  const std::optional<IndexedContent> known = before.Content(id);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->id, id);
  EXPECT_EQ(known->format, "pnm");
  EXPECT_EQ(known->width, 16);
  EXPECT_EQ(known->height, 12);
  ASSERT_EQ(known->files.size(), 2U);
  EXPECT_EQ(known->files[0].folder, pictures_.string());
  EXPECT_EQ(known->files[0].path, "a.ppm");
  EXPECT_EQ(known->files[1].path, "b/one.ppm");
  EXPECT_EQ(known->files[0].bytes,
            static_cast<int64_t>(std::filesystem::file_size(pictures_ / "a.ppm")));
  EXPECT_GT(known->files[0].mtime_ns, 0);
  EXPECT_FALSE(before.Content(99));

  Update();
  const Index after = Open();
  EXPECT_EQ(after.Content(id)->files.size(), 1U);
  EXPECT_TRUE(after.HasContent(known->hash));
  EXPECT_FALSE(after.HasContent("00000000000000000000000000000000"));
  EXPECT_FALSE(after.HasContent("no hash"));
}

TEST_F(IndexTest, HasANameOfItsOwn) {
  { const IndexWriter nothing_indexed_yet(folder_); }
  EXPECT_EQ(Open().status().id, "");
  AddMany(1);
  Update();
  const std::string id = Open().status().id;
  EXPECT_EQ(id.size(), 32U);
  Update();
  EXPECT_EQ(Open().status().id, id);
}

}  // namespace
}  // namespace siglip
