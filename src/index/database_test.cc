#include "index/database.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "expect_error.h"
#include "index/schema.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  Database Open(Database::Access access = Database::Access::kWrite) const {
    return OpenIndexDatabase(folder_.path(), access);
  }
  void Overwrite(size_t at, const std::string& bytes) const {
    std::fstream file(file_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
  }

  const ScratchFolder folder_;
  const std::filesystem::path file_ = folder_ / "index.sqlite";
};

constexpr const char* kInsert = "INSERT INTO root(path, kind) VALUES (?1, ?2)";

TEST_F(DatabaseTest, ValuesComeBackAsTheyWere) {
  Database database = Open();
  database.Execute("CREATE TABLE kept(i INTEGER, r REAL, t TEXT, b BLOB, n INTEGER)");
  const std::string bytes("\xFF\0\x01", 3);
  Statement insert = database.Prepare("INSERT INTO kept VALUES (?1, ?2, ?3, ?4, ?5)");
  insert
      .Bind(int64_t{-1} << 62, 0x1.fffffffffffffp-3, "\xC3\xA4", std::as_bytes(std::span(bytes)),
            std::optional<int64_t>())
      .Run();
  insert.Bind(0, 0.0, std::string(), std::span<const std::byte>(), std::optional<int64_t>(7)).Run();
  Statement select = database.Prepare("SELECT * FROM kept ORDER BY rowid");
  ASSERT_TRUE(select.Step());
  EXPECT_EQ(select.Integer(0), int64_t{-1} << 62);
  EXPECT_EQ(select.Real(1), 0x1.fffffffffffffp-3);
  EXPECT_EQ(select.Text(2), "\xC3\xA4");
  EXPECT_EQ(select.Text(3), bytes);
  EXPECT_EQ(select.IntegerIfAny(4), std::nullopt);
  ASSERT_TRUE(select.Step());
  EXPECT_FALSE(select.IsNull(3));  // an empty blob is one
  EXPECT_EQ(select.Blob(3).size(), 0U);
  EXPECT_EQ(select.IntegerIfAny(4), 7);
  EXPECT_FALSE(select.Step());
}

TEST_F(DatabaseTest, ATransactionIsAllOrNothing) {
  Database database = Open();
  const auto roots = [&] { return database.Integer("SELECT count(*) FROM root"); };
  {
    Transaction transaction(database);
    database.Execute("INSERT INTO root(path, kind) VALUES (X'2F61', 'folder')");
    EXPECT_EQ(roots(), 1);
  }
  EXPECT_EQ(roots(), 0);
  {
    Transaction transaction(database);
    database.Execute("INSERT INTO root(path, kind) VALUES (X'2F61', 'folder')");
    transaction.Commit();
  }
  EXPECT_EQ(roots(), 1);
  EXPECT_THROW(
      {
        Transaction transaction(database);
        database.Execute("INSERT INTO root(path, kind) VALUES (X'2F62', 'folder')");
        database.Execute(
            "INSERT INTO root(path, kind) VALUES (X'2F61', 'folder')");  // there is one
      },
      Error);
  EXPECT_EQ(roots(), 1);
}

TEST_F(DatabaseTest, AReaderSeesWhatWasCommittedAndChangesNothing) {
  Database writer = Open();
  Database reader = Open(Database::Access::kRead);
  Transaction transaction(writer);
  writer.Execute("INSERT INTO root(path, kind) VALUES (X'2F61', 'folder')");
  EXPECT_EQ(reader.Integer("SELECT count(*) FROM root"), 0);
  transaction.Commit();
  EXPECT_EQ(reader.Integer("SELECT count(*) FROM root"), 1);
  EXPECT_THROW(reader.Execute("DELETE FROM root"), Error);
  EXPECT_EQ(writer.Integer("SELECT count(*) FROM root"), 1);
}

TEST_F(DatabaseTest, NoIndex) {
  ExpectError(ErrorCode::kNotFound, {file_, "there is no index", "siglip index"},
              [&] { Open(Database::Access::kRead); });
  std::ofstream(file_).close();  // as a process leaves it that dies at once
  ExpectError(ErrorCode::kNotFound, {file_, "there is no index yet"},
              [&] { Open(Database::Access::kRead); });
  EXPECT_NO_THROW(Open());
}

TEST_F(DatabaseTest, NoDatabase) {
  std::ofstream(file_) << std::string(10'000, 'x');
  for (const auto access : {Database::Access::kRead, Database::Access::kWrite}) {
    ExpectError(ErrorCode::kMalformedFile, {file_, "not a database"}, [&] { Open(access); });
  }
}

TEST_F(DatabaseTest, AFolderInItsPlace) {
  std::filesystem::create_directory(file_);
  for (const auto access : {Database::Access::kRead, Database::Access::kWrite}) {
    ExpectError(ErrorCode::kIo, {file_}, [&] { Open(access); });
  }
}

TEST_F(DatabaseTest, ADatabaseOfAnotherProgram) {
  Database(file_, Database::Access::kWrite).Execute("CREATE TABLE photos(id INTEGER)");
  for (const auto access : {Database::Access::kRead, Database::Access::kWrite}) {
    ExpectError(ErrorCode::kMalformedFile, {file_, "not one that siglip index made"},
                [&] { Open(access); });
  }
}

TEST_F(DatabaseTest, ANewerVersion) {
  Open().Execute("PRAGMA user_version = 3");
  for (const auto access : {Database::Access::kRead, Database::Access::kWrite}) {
    ExpectError(ErrorCode::kUnsupported, {file_, "expected version 2", "found 3", "newer siglip"},
                [&] { Open(access); });
  }
}

TEST_F(DatabaseTest, ADamagedPage) {
  {
    Database database = Open();
    Statement insert = database.Prepare(kInsert);
    for (int i = 0; i < 2'000; ++i) {
      const std::string path = "/" + std::to_string(i) + std::string(100, 'x');
      insert.Bind(std::as_bytes(std::span(path)), "folder").Run();
    }
  }
  const auto size = std::filesystem::file_size(file_);
  for (size_t page = 8192; page < size; page += 8192) Overwrite(page, std::string(200, '\xFF'));
  ExpectError(ErrorCode::kMalformedFile, {file_, "malformed", "make the index anew"}, [&] {
    Database database = Open(Database::Access::kRead);
    database.Integer("SELECT count(*) FROM root WHERE kind = 'folder'");
  });
}

TEST_F(DatabaseTest, ATruncatedFile) {
  Open().Execute("INSERT INTO root(path, kind) VALUES (X'2F61', 'folder')");
  std::filesystem::resize_file(file_, 8192);
  ExpectError(ErrorCode::kMalformedFile, {file_}, [&] {
    Database database = Open(Database::Access::kRead);
    database.Integer("SELECT count(*) FROM root");
  });
}

/// As on a full disk, a limit on pages lets no more in; what was begun is undone.
TEST_F(DatabaseTest, NoRoomForMore) {
  Database database = Open();
  database.Execute("PRAGMA max_page_count = 40");
  const std::string path(300'000, 'x');
  ExpectError(ErrorCode::kIo, {file_, "full"}, [&] {
    Transaction transaction(database);
    database.Prepare(kInsert).Bind(std::as_bytes(std::span("/a", 2)), "folder").Run();
    database.Prepare(kInsert).Bind(std::as_bytes(std::span(path)), "folder").Run();
    transaction.Commit();
  });
  EXPECT_EQ(database.Integer("SELECT count(*) FROM root"), 0);
  Transaction again(database);  // the one before has ended
  database.Prepare(kInsert).Bind(std::as_bytes(std::span("/b", 2)), "folder").Run();
  again.Commit();
  EXPECT_EQ(database.Integer("SELECT count(*) FROM root"), 1);
}

TEST_F(DatabaseTest, WhatIsCommittedOutlivesAPowerFailure) {
  const Database database = Open();
  Statement mode = database.Prepare("PRAGMA journal_mode");
  ASSERT_TRUE(mode.Step());
  EXPECT_EQ(mode.Text(0), "wal");
  EXPECT_EQ(database.Integer("PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(database.Integer("PRAGMA foreign_keys"), 1);
}

TEST_F(DatabaseTest, OnlyTheUserMayEnterANewFolder) {
  const std::filesystem::path folder = folder_ / "a/b";
  OpenIndexDatabase(folder, Database::Access::kWrite);
  EXPECT_EQ(std::filesystem::status(folder).permissions(), std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace siglip
