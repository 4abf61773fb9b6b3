// Tests of MappedFile.
#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "scratch_folder.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

std::string_view Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

ErrorCode FailureOf(const std::filesystem::path& path) {
  try {
    MappedFile::Open(path);
  } catch (const Error& error) {
    EXPECT_NE(error.message().find(path.string()), std::string::npos) << error.message();
    return error.code();
  }
  ADD_FAILURE() << path << " was opened";
  return ErrorCode::kInternal;
}

TEST(MappedFile, HoldsTheBytesOfTheFile) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a") << "some bytes";
  EXPECT_EQ(Text(MappedFile::Open(scratch / "a")), "some bytes");
}

TEST(MappedFile, AnEmptyFileHasNoBytes) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a").flush();
  EXPECT_TRUE(MappedFile::Open(scratch / "a").bytes().empty());
}

TEST(MappedFile, MovesHandTheMappingOn) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a") << "first";
  std::ofstream(scratch / "b") << "second";
  MappedFile first = MappedFile::Open(scratch / "a");
  MappedFile moved(std::move(first));
  EXPECT_EQ(Text(moved), "first");
  moved = MappedFile::Open(scratch / "b");
  EXPECT_EQ(Text(moved), "second");
}

TEST(MappedFile, TellsWhatIsMissingFromWhatIsNoFile) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a") << "x";
  EXPECT_EQ(FailureOf(scratch / "nowhere"), ErrorCode::kNotFound);
  EXPECT_EQ(FailureOf(scratch / "a/b"), ErrorCode::kNotFound);
  EXPECT_EQ(FailureOf(scratch.path()), ErrorCode::kIo);
  EXPECT_EQ(FailureOf("/dev/null"), ErrorCode::kIo);
  EXPECT_EQ(FailureOf(scratch / std::string(300, 'x')), ErrorCode::kIo);
}

TEST(MappedFile, ANamedPipeIsRefusedWithoutWaitingForAWriter) {
  const ScratchFolder scratch;
  ASSERT_EQ(::mkfifo((scratch / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(FailureOf(scratch / "pipe"), ErrorCode::kIo);
}

TEST(MappedFile, ReleasedPagesComeBackFromTheFile) {
  const ScratchFolder scratch;
  std::string expected;
  while (expected.size() < 100'000) expected += std::to_string(expected.size());
  std::ofstream(scratch / "a") << expected;
  const MappedFile file = MappedFile::Open(scratch / "a");
  EXPECT_TRUE(Text(file) == expected);
  file.ReleasePages(file.bytes());
  EXPECT_TRUE(Text(file) == expected);
  // Ranges that hold no whole page, or nothing.
  file.ReleasePages(file.bytes().subspan(1, 10));
  file.ReleasePages(file.bytes().subspan(99'999));
  file.ReleasePages(file.bytes().subspan(5, 0));
  EXPECT_TRUE(Text(file) == expected);
}

}  // namespace
}  // namespace siglip
