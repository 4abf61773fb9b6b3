#include "index/search_state.h"

#include <gtest/gtest.h>

#include <fstream>

#include "expect_error.h"
#include "index/schema.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

TEST(ReadTransaction, AllStatementsSeeOneState) {
  const ScratchFolder folder;
  Database writer = OpenIndexDatabase(folder.path(), Database::Access::kWrite);
  Database reader = OpenIndexDatabase(folder.path(), Database::Access::kRead);
  const auto roots = [&] { return reader.Integer("SELECT count(*) FROM root"); };
  {
    const ReadTransaction transaction(reader);
    writer.Execute("INSERT INTO root(path, kind) VALUES (X'2F61', 'folder')");
    EXPECT_EQ(roots(), 0);
  }
  EXPECT_EQ(roots(), 1);
}

TEST(ReadTransaction, OneThatDoesNotBeginLeavesNothingOpen) {
  const ScratchFolder folder;
  Database writer = OpenIndexDatabase(folder.path(), Database::Access::kWrite);
  Database reader = OpenIndexDatabase(folder.path(), Database::Access::kRead);
  writer.Execute("ALTER TABLE space RENAME TO hidden");
  for (int i = 0; i < 2; ++i) {
    ExpectError(ErrorCode::kInternal, {"no such table"}, [&] { ReadTransaction begun(reader); });
  }
  writer.Execute("ALTER TABLE hidden RENAME TO space");
  EXPECT_NO_THROW(ReadTransaction begun(reader));
}

TEST(OpenedScan, AnotherFileInItsPlaceIsNoticed) {
  const ScratchFolder folder;
  const auto write = [&](const char* name) { std::ofstream(folder / name) << name; };
  OpenedScan scan(folder.path());
  scan.Open({.uuid = {}, .dimensions = 8});
  EXPECT_TRUE(scan.IsCurrent());  // none
  write("scan.i8");
  EXPECT_FALSE(scan.IsCurrent());
  scan.Open({.uuid = {}, .dimensions = 8});
  EXPECT_TRUE(scan.IsCurrent());
  EXPECT_FALSE(scan.Take());  // no scan file
  write("other");
  std::filesystem::rename(folder / "other", folder / "scan.i8");
  EXPECT_FALSE(scan.IsCurrent());
}

}  // namespace
}  // namespace siglip
