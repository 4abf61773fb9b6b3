// Tests of questions to the file system.
#include "base/file_system.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "expect_error.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

TEST(FileSystem, TellsWhatIsThere) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "file") << "x";
  std::filesystem::create_directory(scratch / "folder");
  std::filesystem::create_symlink("nowhere", scratch / "link");
  EXPECT_TRUE(FileExists(scratch / "file"));
  EXPECT_TRUE(FileExists(scratch / "folder"));
  EXPECT_FALSE(FileExists(scratch / "missing"));
  EXPECT_FALSE(FileExists(scratch / "file" / "inside"));
  EXPECT_FALSE(FileExists(scratch / "link"));
  EXPECT_FALSE(FileExists(""));
  EXPECT_TRUE(IsFolder(scratch / "folder"));
  EXPECT_FALSE(IsFolder(scratch / "file"));
  EXPECT_FALSE(IsFolder(scratch / "missing"));
  EXPECT_EQ(ListFolder(scratch.path()),
            (std::vector{scratch / "file", scratch / "folder", scratch / "link"}));
}

// These fail for the superuser too.
TEST(FileSystem, WhatTheSystemRefusesIsAnErrorWithItsWords) {
  const ScratchFolder scratch;
  std::filesystem::create_symlink("loop", scratch / "loop");
  const auto long_name = scratch / std::string(300, 'x');
  for (const auto& refused :
       {std::pair(scratch / "loop", ELOOP), std::pair(long_name, ENAMETOOLONG)}) {
    const std::filesystem::path& path = refused.first;
    const std::vector<std::string> parts = {path.string(), std::strerror(refused.second)};
    ExpectError(ErrorCode::kIo, parts, [&] { FileExists(path); });
    ExpectError(ErrorCode::kIo, parts, [&] { IsFolder(path); });
    ExpectError(ErrorCode::kIo, parts, [&] { ListFolder(path); });
  }
  ExpectError(ErrorCode::kIo, {"missing", std::strerror(ENOENT)},
              [&] { ListFolder(scratch / "missing"); });
}

}  // namespace
}  // namespace siglip
