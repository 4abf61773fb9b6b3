#include "index/duplicates.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "expect_error.h"
#include "index/file_table.h"
#include "index/schema.h"
#include "index/search_test_support.h"
#include "index/space.h"
#include "kernels/reference.h"
#include "scratch_folder.h"
#include "siglip/picture_details.hpp"

namespace siglip {
namespace {

constexpr size_t kSpaceDimensions = 24;

/// A content whose vector points into the direction of an angle in a plane.
struct Made {
  double degrees = 0;
  int64_t width = 10;
  int64_t height = 10;
  int64_t bytes = 100;
  bool rises = true;  ///< Its greys from left to right, or falls.
};

std::vector<uint16_t> Direction(double degrees) {
  std::vector<float> vector(kSpaceDimensions);
  vector[3] = static_cast<float>(std::cos(degrees * M_PI / 180));
  vector[kSpaceDimensions - 1] = static_cast<float>(std::sin(degrees * M_PI / 180));
  return ToHalves(vector);
}

IndexSpace SomeSpace() {
  IndexSpace space;
  space.model = "made";
  space.fingerprint.pictures = PictureFingerprint{.image_weights = std::string(64, '0'),
                                                  .image_architecture = "{}",
                                                  .preprocessing = "{}",
                                                  .max_num_patches = 4};
  space.fingerprint.instruction_set_class = "generic";
  space.fingerprint.dimension = kSpaceDimensions;
  return space;
}

using Names = std::vector<std::vector<std::string>>;

class DuplicatesTest : public testing::Test {
 protected:
  DuplicatesTest() {
    WriteSpace(database_, SomeSpace());
    root_ = table_.AddRoot("/p");
  }

  int64_t Put(const Made& made, const std::vector<uint16_t>& halves) {
    PictureGreys greys;
    for (size_t i = 0; i < greys.size(); ++i) {
      greys[i] = static_cast<uint8_t>(made.rises ? i % 9 : 9 - i % 9);
    }
    ++last_hash_;
    ContentHash hash = {};
    hash[0] = static_cast<uint8_t>(last_hash_);
    hash[1] = static_cast<uint8_t>(last_hash_ >> 8);
    return table_.PutContent({.hash = hash,
                              .size = made.bytes,
                              .width = made.width,
                              .height = made.height,
                              .greys = greys,
                              .vector = halves,
                              .error = halves.empty() ? "no picture" : ""});
  }
  int64_t Put(const Made& made) { return Put(made, Direction(made.degrees)); }

  void Name(int64_t content, const std::string& name, int64_t mtime_ns = 5, int64_t bytes = 100) {
    table_.PutFile({.root = root_, .path = name, .size = bytes, .mtime_ns = mtime_ns}, content);
  }
  int64_t Add(const std::string& name, const Made& made, int64_t mtime_ns = 5) {
    const int64_t content = Put(made);
    Name(content, name, mtime_ns, made.bytes);
    return content;
  }
  void Lose(const std::string& name) {
    for (const KnownFile& file : table_.FilesBehind(root_, std::nullopt, 1'000)) {
      if (file.path == name) table_.MarkMissing(file, 7);
    }
  }

  std::vector<DuplicateGroup> Find(const DuplicateOptions& options) const {
    return Index(scratch_.path()).FindDuplicates(options);
  }
  /// Below the root.
  Names NamesOf(const DuplicateOptions& options) const {
    Names names;
    for (const DuplicateGroup& group : Find(options)) {
      names.emplace_back();
      for (const DuplicateFile& file : group.files) names.back().push_back(file.path.substr(3));
    }
    return names;
  }

  const ScratchFolder scratch_;
  Database database_ = OpenIndexDatabase(scratch_.path(), Database::Access::kWrite);
  FileTable table_ = FileTable(database_);
  int64_t root_ = 0;
  int last_hash_ = 0;
};

constexpr DuplicateOptions kSameBytes = {.kind = DuplicateKind::kSameBytes};
constexpr DuplicateOptions kSamePicture = {.kind = DuplicateKind::kSamePicture};
constexpr DuplicateOptions kSimilar = {.kind = DuplicateKind::kSimilar};

TEST_F(DuplicatesTest, FilesOfOneContentHaveTheSameBytes) {
  const int64_t content = Add("later", {.width = 30}, 9);
  Name(content, "gone", 1);
  Name(content, "b", 5);
  Name(content, "a\xFF", 5);
  Name(Add("alone", {.degrees = 90}), "also gone");
  Add("same picture", {.degrees = 1});
  const int64_t broken = Put({.width = 0, .height = 0}, {});
  Name(broken, "broken 1");
  Name(broken, "broken 2");
  Lose("gone");
  Lose("also gone");
  const Names expected = {{"a\xFF", "b", "later"}, {"broken 1", "broken 2"}};
  EXPECT_EQ(NamesOf(kSameBytes), expected);
  const std::vector<DuplicateFile> files = Find(kSameBytes)[0].files;
  EXPECT_EQ(files[2].path, "/p/later");
  EXPECT_EQ(files[2].mtime_ns, 9);
  EXPECT_EQ(files[2].width, 30);
  EXPECT_EQ(files[2].height, 10);
  EXPECT_EQ(files[2].bytes, 100);
  EXPECT_EQ(files[2].content, content);
  EXPECT_EQ(files[2].score, 1);
}

TEST_F(DuplicatesTest, OthersHaveTheirCopiesWithThem) {
  const int64_t large = Add("large", {.width = 20}, 3);
  const int64_t small = Add("small", {.degrees = 5});
  Add("gone", {.width = 50});
  Lose("gone");
  const int64_t broken = Put({.width = 0, .height = 0}, {});
  for (const int64_t content : {large, small, broken}) {
    Name(content, "copy of " + std::to_string(content));
  }
  Name(broken, "broken", 9);
  const std::string copy = "copy of ";
  const Names expected = {
      {"large", copy + std::to_string(large), copy + std::to_string(small), "small"},
      {copy + std::to_string(broken), "broken"}};
  EXPECT_EQ(NamesOf(kSamePicture), expected);
  EXPECT_EQ(NamesOf(kSimilar), expected);
  const std::vector<DuplicateFile> files = Find(kSamePicture)[0].files;
  EXPECT_EQ(files[1].score, 1);
  EXPECT_NEAR(files[2].score, std::cos(5 * M_PI / 180), 1e-3);
}

TEST_F(DuplicatesTest, RepresentativeHasMostPixelsThenBytesAndIsOldestThenFirst) {
  Add("e", {.width = 10, .height = 10, .bytes = 900}, 1);
  Add("z", {.width = 10, .height = 11}, 2);
  Add("d", {.width = 11, .height = 10, .bytes = 101}, 8);
  Add("y", {.width = 11, .height = 10}, 1);
  const int64_t copied = Add("bb", {.width = 11, .height = 10}, 2);
  Name(copied, "a", 3);
  Add("b", {.width = 10, .height = 11}, 2);
  const Names expected = {{"d", "y", "b", "bb", "a", "z", "e"}};
  EXPECT_EQ(NamesOf(kSamePicture), expected);
}

TEST_F(DuplicatesTest, EveryMemberIsAlikeToTheRepresentative) {
  // cos 20 degrees = 0.940, cos 40 degrees = 0.766
  Add("first", {.degrees = 0, .width = 50});
  Add("second", {.degrees = 20, .width = 40});
  Add("third", {.degrees = 40, .width = 30});
  Add("fourth", {.degrees = 60, .width = 20});
  const Names expected = {{"first", "second"}, {"third", "fourth"}};
  EXPECT_EQ(NamesOf(kSimilar), expected);
  const Names wide = {{"first", "second", "third"}};
  EXPECT_EQ(NamesOf({.kind = DuplicateKind::kSimilar, .threshold = 0.7F}), wide);
  EXPECT_EQ(NamesOf({.kind = DuplicateKind::kSimilar, .threshold = 0.95F}), Names());
}

TEST_F(DuplicatesTest, SamePicturesHaveBrightnessThatRisesAtTheSamePlaces) {
  Add("rises", {.width = 30});
  Add("also rises", {.degrees = 10, .width = 20});  // 0.985
  Add("falls", {.degrees = 1, .rises = false});
  Add("rises, but far", {.degrees = 20});
  const Names same = {{"rises", "also rises"}};
  EXPECT_EQ(NamesOf(kSamePicture), same);
  const Names lower = {{"rises", "also rises", "rises, but far"}};
  EXPECT_EQ(NamesOf({.kind = DuplicateKind::kSamePicture, .threshold = 0.9F}), lower);
  const Names similar = {{"rises", "also rises", "falls", "rises, but far"}};
  EXPECT_EQ(NamesOf(kSimilar), similar);
}

TEST_F(DuplicatesTest, WhatIsApartIsNeverInOneGroupWithTheOtherAsItsFirst) {
  const int64_t a = Add("a", {.width = 50});
  const int64_t b = Add("b", {.degrees = 1, .width = 40});
  Add("c", {.degrees = 2, .width = 30});
  const Names together = {{"a", "b", "c"}};
  EXPECT_EQ(NamesOf(kSamePicture), together);
  {
    IndexWriter writer(scratch_.path());
    writer.SetApart(b, a);
    writer.SetApart(a, b);  // as it was
    ExpectError(ErrorCode::kInvalidArgument, {std::to_string(a)}, [&] { writer.SetApart(a, a); });
    ExpectError(ErrorCode::kNotFound, {"content 999"}, [&] { writer.SetApart(a, 999); });
  }
  const Names apart = {{"a", "c"}};
  EXPECT_EQ(NamesOf(kSamePicture), apart);
  EXPECT_EQ(NamesOf(kSimilar), apart);
  EXPECT_EQ(database_.Integer("SELECT count(*) FROM apart"), 1);
}

TEST_F(DuplicatesTest, GroupsAreThoseOfAComparisonPairByPair) {
  struct Row {
    std::vector<uint16_t> halves;
    Made made;
    int64_t mtime_ns;
    std::string name;
  };
  std::mt19937 generator(5);
  std::vector<Row> rows;
  for (const auto& [id, halves] : ClusteredVectors(700, kSpaceDimensions, 3)) {
    const Made made = {.width = 1 + static_cast<int64_t>(generator() % 4),
                       .height = 1 + static_cast<int64_t>(generator() % 4),
                       .bytes = 10 + static_cast<int64_t>(generator() % 3),
                       .rises = generator() % 3 > 0};
    rows.push_back({halves, made, static_cast<int64_t>(generator() % 3), std::to_string(id)});
  }
  Transaction transaction(database_);
  for (const Row& row : rows) {
    Name(Put(row.made, row.halves), row.name, row.mtime_ns, row.made.bytes);
  }
  transaction.Commit();
  const auto key = [](const Row& row) {
    return std::tuple(-row.made.width * row.made.height, -row.made.bytes, row.mtime_ns, row.name);
  };
  std::ranges::sort(rows, std::less<>(), key);
  for (const bool same_picture : {false, true}) {
    Names expected;
    std::vector<bool> is_taken(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (is_taken[i]) continue;
      std::vector<float> representative;
      for (const uint16_t half : rows[i].halves) {
        representative.push_back(Float16ToFloat(half));
      }
      std::vector<std::string> group = {rows[i].name};
      for (size_t j = i + 1; j < rows.size(); ++j) {
        if (is_taken[j] || (same_picture && rows[i].made.rises != rows[j].made.rises)) continue;
        if (reference::DotHalves(representative, rows[j].halves) < 0.8F) continue;
        is_taken[j] = true;
        group.push_back(rows[j].name);
      }
      if (group.size() > 1) expected.push_back(group);
    }
    EXPECT_GT(expected.size(), 20U);
    EXPECT_EQ(NamesOf({.kind = same_picture ? DuplicateKind::kSamePicture : DuplicateKind::kSimilar,
                       .threshold = 0.8F}),
              expected);
  }
}

TEST_F(DuplicatesTest, EveryCallSeesOneCommittedState) {
  // Of ten contents with two files each, those of one are there in any state.
  constexpr size_t kContents = 10;
  for (size_t i = 0; i < kContents; ++i) {
    const int64_t content = Put({.degrees = static_cast<double>(i)});
    for (const char* const name : {"a", "b"}) {
      Name(content, name + std::to_string(i));
      if (i > 0) Lose(name + std::to_string(i));
    }
  }
  const Index index(scratch_.path());
  std::atomic<bool> is_enough = false;
  std::thread writer([&] {
    for (size_t i = 1; !is_enough; ++i) {
      Transaction transaction(database_);
      for (const KnownFile& file : table_.FilesBehind(root_, std::nullopt, 1'000)) {
        if (file.path.substr(1) == std::to_string(i % kContents)) {
          table_.MarkPresent(file);
        } else if (!file.missing) {
          table_.MarkMissing(file, 1);
        }
      }
      transaction.Commit();
    }
  });
  std::set<int64_t> seen;
  for (int i = 0; i < 1'000 || seen.size() < 3; ++i) {
    const auto groups = index.FindDuplicates(i % 2 == 0 ? kSimilar : kSameBytes);
    EXPECT_EQ(groups.size(), 1U);
    for (const DuplicateGroup& group : groups) {
      EXPECT_EQ(group.files.size(), 2U);
      for (const DuplicateFile& file : group.files) seen.insert(file.content);
    }
    if (HasFailure()) break;
  }
  is_enough = true;
  writer.join();
}

TEST_F(DuplicatesTest, ErrorsSayWhatIsWrong) {
  for (const float threshold : {0.0F, -1.0F, 1.5F, std::nanf("")}) {
    ExpectError(ErrorCode::kInvalidArgument, {"threshold", "at most 1"},
                [&] { Find({.kind = DuplicateKind::kSimilar, .threshold = threshold}); });
  }
  ExpectError(ErrorCode::kInvalidArgument, {"same bytes"},
              [&] { Find({.kind = DuplicateKind::kSameBytes, .threshold = 0.5F}); });
  ExpectError(ErrorCode::kInvalidArgument, {"'same'", "same-bytes, same-picture, similar"},
              [] { ParseDuplicateKind("same"); });
  for (const DuplicateKind kind :
       {DuplicateKind::kSameBytes, DuplicateKind::kSamePicture, DuplicateKind::kSimilar}) {
    EXPECT_EQ(ParseDuplicateKind(ToString(kind)), kind);
  }
  const ScratchFolder empty;
  const IndexWriter writer(empty.path());
  ExpectError(ErrorCode::kNotFound, {"index.sqlite"},
              [&] { Index(empty.path()).FindDuplicates(); });
}

}  // namespace
}  // namespace siglip
