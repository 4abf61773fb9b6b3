#include "siglip/folder_walker.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "scratch_folder.h"

namespace siglip {
namespace {

using Paths = std::vector<std::string>;

class FolderWalkerTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes = "P6\n") const {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }

  /// Paths within the folder, in the order of the walk.
  Paths Walk(const FolderWalkOptions& options = {}) {
    passed_over_.clear();
    FolderWalker walker(
        root_.string(),
        {.failed = [](const std::string& folder, const Error&) { ADD_FAILURE() << folder; },
         .passed_over = [&](const std::string& path,
                            const std::string& reason) { passed_over_[Within(path)] = reason; }},
        options);
    Paths paths;
    while (const auto file = walker.Next()) paths.push_back(Within(file->path));
    EXPECT_EQ(walker.passed_over(), passed_over_.size());
    folders_passed_over_ = walker.folders_passed_over();
    return paths;
  }
  std::string Within(const std::string& path) const {
    EXPECT_TRUE(path.starts_with(root_.string() + "/")) << path;
    return path.substr(root_.string().size() + 1);
  }

  const ScratchFolder scratch_;
  const std::filesystem::path root_ = scratch_ / "pictures";
  std::map<std::string, std::string> passed_over_;
  uint64_t folders_passed_over_ = 0;
};

TEST_F(FolderWalkerTest, InTheByteOrderOfWholePaths) {
  Paths paths = {"a/b.jpg", "a-b.jpg", "a.jpg",      "a/b/c.jpg",    "a0.jpg",
                 "B.jpg",   "a b.jpg", "\xFF/a.jpg", "\xC3\xA4.jpg", "a/\x80.jpg"};
  for (const std::string& path : paths) Write(path);
  std::ranges::sort(paths, [](const std::string& a, const std::string& b) {
    return std::ranges::lexicographical_compare(a, b, [](char x, char y) {
      return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
    });
  });
  EXPECT_EQ(Walk(), paths);
}

TEST_F(FolderWalkerTest, SizeAndTimeOfTheLastChange) {
  Write("a.jpg", "12345");
  const std::string path = root_ / "a.jpg";
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2},
                             {.tv_sec = 1'700'000'000, .tv_nsec = 123}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  FolderWalker walker(root_.string() + "/", {});
  const auto file = walker.Next();
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, path);
  EXPECT_EQ(file->size, 5U);
  EXPECT_EQ(file->mtime_ns, 1'700'000'000'000'000'123);
  EXPECT_FALSE(walker.Next());
  EXPECT_FALSE(walker.Next());
}

TEST_F(FolderWalkerTest, WhatIsNoPictureIsPassedOver) {
  Write("notes.txt", "words");
  Write("empty", "");
  Write(".hidden.jpg");
  Write(".cache/a.jpg");
  Write("by-signature", "\xFF\xD8\xFF\xE0");
  Write("by-name.png", "words");
  ASSERT_EQ(::mkfifo((root_ / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_EQ(Walk(), Paths({"by-name.png", "by-signature"}));
  EXPECT_EQ(passed_over_.size(), 4U);
  EXPECT_EQ(passed_over_[".hidden.jpg"], "hidden");
  EXPECT_EQ(passed_over_["pipe.jpg"], "neither a file nor a folder");
  EXPECT_NE(passed_over_["notes.txt"].find("picture"), std::string::npos);
  EXPECT_EQ(folders_passed_over_, 1U);
}

TEST_F(FolderWalkerTest, LinksAreFollowedOnRequestAndNoFolderTwice) {
  Write("a/b.jpg");
  Write("../elsewhere/c.jpg");
  std::filesystem::create_symlink("a/b.jpg", root_ / "file.jpg");
  std::filesystem::create_directory_symlink("..", root_ / "a/up");  // the folder itself
  std::filesystem::create_directory_symlink("../elsewhere", root_ / "y");
  std::filesystem::create_directory_symlink("../elsewhere", root_ / "z");
  std::filesystem::create_symlink("nowhere", root_ / "broken.jpg");
  std::filesystem::create_symlink("round.jpg", root_ / "round.jpg");

  EXPECT_EQ(Walk(), Paths({"a/b.jpg", "file.jpg", "y/c.jpg"}));
  EXPECT_EQ(passed_over_["broken.jpg"], "a link that cannot be followed");
  EXPECT_EQ(passed_over_["round.jpg"], "a link that cannot be followed");

  EXPECT_EQ(Walk({.follow_links = false}), Paths({"a/b.jpg"}));
  EXPECT_EQ(passed_over_.size(), 6U);
  EXPECT_EQ(passed_over_["z"], "a link");
}

TEST_F(FolderWalkerTest, TheFolderItselfMayBeALink) {
  Write("a.jpg");
  const std::filesystem::path link = scratch_ / "link";
  std::filesystem::create_directory_symlink(root_, link);
  FolderWalker walker(link.string(), {}, {.follow_links = false});
  const auto file = walker.Next();
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, (link / "a.jpg").string());
}

TEST_F(FolderWalkerTest, ExcludedByNameOrByPath) {
  for (const char* const path : {"a.tif", "a.jpg", "raw/a.jpg", "raw/a.tif", "raw/b/a.tif",
                                 "b/raw/a.jpg", "b/raw/a.tif", "[1].jpg", "1.jpg"}) {
    Write(path);
  }
  EXPECT_EQ(Walk({.exclude = {"raw"}}), Paths({"1.jpg", "[1].jpg", "a.jpg", "a.tif"}));
  EXPECT_EQ(folders_passed_over_, 2U);
  EXPECT_EQ(Walk({.exclude = {"*.tif", "[[]*"}}),
            Paths({"1.jpg", "a.jpg", "b/raw/a.jpg", "raw/a.jpg"}));
  EXPECT_EQ(passed_over_["raw/a.tif"], "excluded");
  EXPECT_EQ(folders_passed_over_, 0U);
  EXPECT_EQ(Walk({.exclude = {"raw/*.tif", "b/raw"}}),
            Paths({"1.jpg", "[1].jpg", "a.jpg", "a.tif", "raw/a.jpg", "raw/b/a.tif"}));
  EXPECT_EQ(Walk({.exclude = {"?.jpg"}}).size(), 5U);
}

TEST_F(FolderWalkerTest, AFolderThatIsNotThere) {
  Paths failed;
  FolderWalker walker(root_.string(),
                      {.failed = [&](const std::string& folder, const Error& error) {
                        failed.push_back(folder);
                        EXPECT_NE(error.message().find(folder), std::string::npos);
                      }});
  EXPECT_FALSE(walker.Next());
  EXPECT_EQ(failed, Paths({root_.string() + "/"}));
}

}  // namespace
}  // namespace siglip
