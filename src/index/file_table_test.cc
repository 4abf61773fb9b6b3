#include "index/file_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/content_hash.h"
#include "index/schema.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

class FileTableTest : public testing::Test {
 protected:
  static ContentHash Hash(const std::string& bytes) {
    return HashContent(std::as_bytes(std::span(bytes)));
  }

  int64_t PutContent(const std::string& bytes, bool decodable = true) {
    const std::vector<uint16_t> vector = {0x3C00, 0};
    NewContent content = {.hash = Hash(bytes), .size = static_cast<int64_t>(bytes.size())};
    if (decodable) {
      content.vector = vector;
    } else {
      content.error_code = "malformed file";
      content.error = "no picture";
      content.tried = "me";
    }
    return table_.PutContent(content);
  }
  FoundFile Found(const std::string& path) const {
    return {.root = root_, .path = path, .size = 10, .mtime_ns = 20, .seen = 30};
  }
  KnownFile Known(const std::string& path) {
    for (const KnownFile& file : table_.FilesBehind(root_, std::nullopt, 1'000)) {
      if (file.path == path) return file;
    }
    ADD_FAILURE() << "no file " << path;
    return {};
  }
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    for (const KnownFile& file : table_.FilesBehind(root_, std::nullopt, 1'000)) {
      paths.push_back(file.path);
    }
    return paths;
  }
  std::vector<int64_t> Column(const std::string& sql) const {
    Statement statement = database_.Prepare(sql);
    std::vector<int64_t> values;
    while (statement.Step()) values.push_back(statement.Integer(0));
    return values;
  }
  std::vector<int64_t> Gone() const { return Column("SELECT content FROM gone ORDER BY content"); }
  std::vector<int64_t> Contents() const { return Column("SELECT id FROM content ORDER BY id"); }

  const ScratchFolder folder_;
  Database database_ = OpenIndexDatabase(folder_.path(), Database::Access::kWrite);
  FileTable table_{database_};
  const int64_t root_ = table_.AddRoot("/pictures");
};

using Ids = std::vector<int64_t>;

TEST_F(FileTableTest, PathsAreBytesInByteOrder) {
  const std::vector<std::string> paths = {"a-b.jpg", "a/b.jpg",  "a/\xFF\xFE.jpg",
                                          "a0.jpg",  "\x80.jpg", "\xC3\xA4.jpg"};
  const int64_t content = PutContent("one");
  for (size_t i = paths.size(); i-- > 0;) table_.PutFile(Found(paths[i]), content);
  EXPECT_EQ(Paths(), paths);
  const std::vector<KnownFile> behind = table_.FilesBehind(root_, "a/b.jpg", 2);
  ASSERT_EQ(behind.size(), 2U);
  EXPECT_EQ(behind[0].path, paths[2]);
  EXPECT_EQ(behind[1].path, paths[3]);
}

TEST_F(FileTableTest, PresentFilesOfAFolderAreCounted) {
  const int64_t content = PutContent("one");
  for (const char* const path : {"a", "a/b", "a/c/d", "a0", "b/a/x"}) {
    table_.PutFile(Found(path), content);
  }
  table_.MarkMissing(Known("a/b"), 5);
  EXPECT_EQ(table_.CountPresent(root_, ""), 4);
  EXPECT_EQ(table_.CountPresent(root_, "a/"), 1);
  EXPECT_EQ(table_.CountPresent(root_, "c/"), 0);
  EXPECT_EQ(table_.CountPresent(root_ + 1, ""), 0);
}

TEST_F(FileTableTest, AContentIsGoneWhileNoFileIsThereThatHasIt) {
  const int64_t one = PutContent("one");
  const int64_t two = PutContent("two");
  table_.PutFile(Found("a"), one);
  table_.PutFile(Found("b"), one);
  table_.PutFile(Found("c"), two);
  EXPECT_EQ(Gone(), Ids());
  table_.MarkMissing(Known("a"), 5);
  EXPECT_EQ(Gone(), Ids());
  table_.MarkMissing(Known("b"), 6);
  EXPECT_EQ(Gone(), Ids({one}));
  table_.MarkPresent(Known("a"));
  EXPECT_EQ(Gone(), Ids());
  table_.PutFile(Found("c"), one);  // its content was changed
  EXPECT_EQ(Gone(), Ids({two}));
  table_.PutFile(Found("d"), two);  // moved there
  EXPECT_EQ(Gone(), Ids());
}

TEST_F(FileTableTest, AFileThatCannotBeReadKeepsItsContent) {
  const int64_t one = PutContent("one");
  table_.PutFile(Found("a"), one);
  table_.MarkMissing(Known("a"), 5);
  table_.PutUnreadable(Found("a"), "permission denied");
  table_.PutUnreadable(Found("b"), "permission denied");
  EXPECT_TRUE(Known("a").unreadable);
  EXPECT_FALSE(Known("a").missing);
  EXPECT_EQ(Known("a").content, one);
  EXPECT_EQ(Known("b").content, std::nullopt);
  EXPECT_EQ(Gone(), Ids());
  table_.PutFile(Found("a"), one);
  EXPECT_FALSE(Known("a").unreadable);
}

/// A scan file has vectors in the order of ids and is only added to.
TEST_F(FileTableTest, AContentThatGetsItsVectorLaterGetsALaterId) {
  const int64_t failed = PutContent("one", false);
  const int64_t between = PutContent("two");
  table_.PutFile(Found("a"), failed);
  table_.PutFile(Found("b"), failed);
  table_.MarkMissing(Known("b"), 5);
  EXPECT_TRUE(Known("a").undecodable);
  EXPECT_EQ(Known("a").tried, "me");
  EXPECT_EQ(PutContent("one", false), failed);  // failed again: the same one
  EXPECT_FALSE(table_.FindContent(Hash("one"))->has_vector);

  const int64_t read = PutContent("one");
  EXPECT_GT(read, between);
  EXPECT_EQ(table_.FindContent(Hash("one"))->id, read);
  EXPECT_TRUE(table_.FindContent(Hash("one"))->has_vector);
  EXPECT_EQ(Known("a").content, read);
  EXPECT_EQ(Known("b").content, read);
  EXPECT_FALSE(Known("a").undecodable);
  EXPECT_EQ(Contents(), Ids({between, read}));
}

TEST_F(FileTableTest, WhatHasBeenMissingForLongIsRemoved) {
  const int64_t one = PutContent("one");
  const int64_t two = PutContent("two");
  table_.PutFile(Found("a"), one);
  table_.PutFile(Found("b"), two);
  table_.PutFile(Found("c"), two);
  table_.MarkMissing(Known("a"), 10);
  table_.MarkMissing(Known("b"), 20);
  EXPECT_EQ(table_.RemoveMissing(9), 0U);
  EXPECT_EQ(table_.RemoveMissing(10), 1U);
  table_.RemoveGone(9);
  EXPECT_EQ(Contents(), Ids({one, two}));
  table_.RemoveGone(10);
  EXPECT_EQ(Contents(), Ids({two}));
  EXPECT_EQ(Column("SELECT content FROM vector"), Ids({two}));
  EXPECT_EQ(Gone(), Ids({one}));  // as long as a scan file may have it
  EXPECT_EQ(table_.RemoveMissing(20), 1U);
  table_.RemoveGone(20);
  EXPECT_EQ(Contents(), Ids({two}));  // c has it
  EXPECT_EQ(Paths(), std::vector<std::string>({"c"}));
}

TEST_F(FileTableTest, IdsAreNotUsedTwice) {
  const int64_t one = PutContent("one");
  table_.FindGone(5);
  table_.RemoveGone(5);
  EXPECT_EQ(Contents(), Ids());
  EXPECT_GT(PutContent("one"), one);
}

TEST_F(FileTableTest, ARootGoesWithItsFiles) {
  const int64_t other = table_.AddRoot("/other");
  const int64_t one = PutContent("one");
  const int64_t two = PutContent("two");
  table_.PutFile(Found("a"), one);
  table_.PutFile(Found("b"), two);
  FoundFile copy = Found("c");
  copy.root = other;
  table_.PutFile(copy, two);
  table_.SetMounts(root_, {"disk/"});
  table_.RemoveRoot(root_);
  table_.FindGone(5);
  EXPECT_EQ(Gone(), Ids({one}));
  EXPECT_EQ(Paths(), std::vector<std::string>());
  EXPECT_EQ(table_.Mounts(root_), std::vector<std::string>());
  ASSERT_EQ(table_.Roots().size(), 1U);
  EXPECT_EQ(table_.Roots()[0].path, "/other");
}

TEST_F(FileTableTest, MountsAreReplaced) {
  table_.SetMounts(root_, {"b/", "a/\xFF/"});
  EXPECT_EQ(table_.Mounts(root_), std::vector<std::string>({"a/\xFF/", "b/"}));
  table_.SetMounts(root_, {"c/"});
  EXPECT_EQ(table_.Mounts(root_), std::vector<std::string>({"c/"}));
}

}  // namespace
}  // namespace siglip
