#include "index/known_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/content_hash.h"
#include "index/schema.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

using Paths = std::vector<std::string>;

class KnownFilesTest : public testing::Test {
 protected:
  void Put(int64_t root, const Paths& paths) {
    Transaction transaction(database_);
    for (const std::string& path : paths) {
      table_.PutUnreadable({.root = root, .path = path, .size = 0, .mtime_ns = 0, .seen = 0}, "");
    }
    transaction.Commit();
  }
  /// Walks past `walk`; `met` gets the paths that were known, the result those that were not met.
  Paths Walk(int64_t root, const Paths& walk, Paths& met) {
    Paths passed;
    KnownFiles known(table_, root, [&](const KnownFile& file) { passed.push_back(file.path); });
    for (const std::string& path : walk) {
      const std::optional<KnownFile> file = known.Meet(path);
      if (!file) continue;
      EXPECT_EQ(file->path, path);
      met.push_back(path);
    }
    known.Finish();
    return passed;
  }

  const ScratchFolder folder_;
  Database database_ = OpenIndexDatabase(folder_.path(), Database::Access::kWrite);
  FileTable table_{database_};
  const int64_t root_ = table_.AddRoot("/a");
  const int64_t other_ = table_.AddRoot("/b");
};

TEST_F(KnownFilesTest, AWalkMeetsOrPassesEveryFile) {
  Put(root_, {"a", "b/c", "b/\xFF", "d"});
  Put(other_, {"b", "z"});
  Paths met;
  EXPECT_EQ(Walk(root_, {"Z", "b/c", "c", "d"}, met), Paths({"a", "b/\xFF"}));
  EXPECT_EQ(met, Paths({"b/c", "d"}));
}

TEST_F(KnownFilesTest, NothingKnownOrNothingThere) {
  Paths met;
  EXPECT_EQ(Walk(root_, {"a", "b"}, met), Paths());
  EXPECT_EQ(met, Paths());
  Put(root_, {"a", "b"});
  EXPECT_EQ(Walk(root_, {}, met), Paths({"a", "b"}));
}

/// More than a page, against sets.
TEST_F(KnownFilesTest, LargeFolders) {
  std::mt19937 generator(1);
  std::set<std::string> known;
  std::set<std::string> walk;
  for (int i = 0; i < 3'000; ++i) known.insert(std::to_string(generator() % 6'000));
  for (int i = 0; i < 3'000; ++i) walk.insert(std::to_string(generator() % 6'000));
  Put(root_, {known.begin(), known.end()});
  ASSERT_GT(known.size(), 2'000U);
  Paths expected_met;
  Paths expected_passed;
  std::ranges::set_intersection(known, walk, std::back_inserter(expected_met));
  std::ranges::set_difference(known, walk, std::back_inserter(expected_passed));
  Paths met;
  EXPECT_EQ(Walk(root_, {walk.begin(), walk.end()}, met), expected_passed);
  EXPECT_EQ(met, expected_met);
}

/// Files may be put meanwhile, as an update does with those that are new.
TEST_F(KnownFilesTest, WhatIsPutMeanwhileIsNotMetTwice) {
  Paths paths;
  for (int i = 10'000; i < 12'500; ++i) paths.push_back(std::to_string(i));
  Put(root_, paths);
  Paths passed;
  KnownFiles known(table_, root_, [&](const KnownFile& file) { passed.push_back(file.path); });
  for (const std::string& path : paths) {
    ASSERT_TRUE(known.Meet(path)) << path;
    ASSERT_FALSE(known.Meet(path + "-new")) << path;
    Put(root_, {path, path + "-new"});
    if (path == "11200") break;
  }
  known.Finish();
  EXPECT_FALSE(passed.empty());
  EXPECT_EQ(passed.front(), "11201");
  EXPECT_EQ(passed.size(), 2'500U - 1'201U);
}

}  // namespace
}  // namespace siglip
