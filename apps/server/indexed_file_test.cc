#include "server/indexed_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "scratch_folder.h"

namespace siglip::server {
namespace {

namespace fs = std::filesystem;

class IndexedFileTest : public testing::Test {
 protected:
  ContentFile Write(const std::string& path, const std::string& text) const {
    const fs::path file = scratch_.path() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return AsItIs(path);
  }
  ContentFile AsItIs(const std::string& path) const {
    struct stat status = {};
    EXPECT_EQ(stat((scratch_.path() / path).c_str(), &status), 0);
    return {.folder = scratch_.path(),
            .path = path,
            .bytes = status.st_size,
            .mtime_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
  }
  static int StatusOf(const ContentFile& file) {
    try {
      OpenIndexedFile({.id = 1, .hash = {}, .format = {}, .files = {file}});
      return 200;
    } catch (const NotServed& reason) {
      return reason.status;
    }
  }

  const ScratchFolder scratch_;
};

TEST_F(IndexedFileTest, OpensAFileAsItWasIndexed) {
  const OpenedFile file =
      OpenIndexedFile({.id = 1, .hash = {}, .format = {}, .files = {Write("a/b.jpg", "picture")}});
  EXPECT_EQ(file.size(), 7U);
  EXPECT_EQ(file.Read(0, 7), "picture");
  EXPECT_EQ(file.Read(4, 100), "ure");
}

TEST_F(IndexedFileTest, AChangedFileIsGone) {
  const ContentFile file = Write("a.jpg", "picture");
  ContentFile larger = file;
  ++larger.bytes;
  EXPECT_EQ(StatusOf(larger), 410);
  ContentFile later = file;
  ++later.mtime_ns;
  EXPECT_EQ(StatusOf(later), 410);
  fs::remove(scratch_ / "a.jpg");
  EXPECT_EQ(StatusOf(file), 410);
}

TEST_F(IndexedFileTest, LinksAreNotFollowed) {
  Write("real/a.jpg", "picture");
  fs::create_symlink("a.jpg", scratch_.path() / "real/link.jpg");
  fs::create_directory_symlink("real", scratch_.path() / "folder");
  EXPECT_EQ(StatusOf(AsItIs("real/link.jpg")), 403);
  EXPECT_EQ(StatusOf(AsItIs("folder/a.jpg")), 403);
  EXPECT_EQ(StatusOf(AsItIs("real/a.jpg")), 200);
}

TEST_F(IndexedFileTest, NothingOutsideTheFolderIsOpened) {
  Write("inside/a.jpg", "picture");
  ContentFile outside = Write("outside.jpg", "picture");
  outside.folder = scratch_ / "inside";
  outside.path = "../outside.jpg";
  EXPECT_EQ(StatusOf(outside), 403);
  outside.path = scratch_ / "outside.jpg";
  EXPECT_EQ(StatusOf(outside), 403);
}

TEST_F(IndexedFileTest, APipeInThePlaceOfThePictureKeepsNobodyWaiting) {
  ASSERT_EQ(mkfifo((scratch_ / "a.jpg").c_str(), 0600), 0);
  EXPECT_EQ(StatusOf(AsItIs("a.jpg")), 410);
}

/// Not even what lies where its name and path say.
TEST_F(IndexedFileTest, NothingOfAnArchiveIsOpened) {
  ContentFile archived = Write("a.jpg", "picture");
  archived.archived = true;
  EXPECT_EQ(StatusOf(archived), 404);
  const ContentFile there = Write("there.jpg", "other");
  const OpenedFile file =
      OpenIndexedFile({.id = 1, .hash = {}, .format = {}, .files = {archived, there}});
  EXPECT_EQ(file.Read(0, 7), "other");
}

TEST_F(IndexedFileTest, AnotherFileOfTheContentServesAsWell) {
  const ContentFile gone = {.folder = scratch_.path(), .path = "gone.jpg"};
  const ContentFile there = Write("there.jpg", "picture");
  const OpenedFile file =
      OpenIndexedFile({.id = 1, .hash = {}, .format = {}, .files = {gone, there}});
  EXPECT_EQ(file.Read(0, 7), "picture");
  EXPECT_EQ(StatusOf(gone), 410);
}

}  // namespace
}  // namespace siglip::server
