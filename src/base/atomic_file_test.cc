// Tests of AtomicFile: whole files or none.
#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int FilesIn(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<int>(std::distance(begin(files), end(files)));
}

mode_t PermissionsOf(const std::filesystem::path& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

/// No file of this process grows beyond `bytes` while this lives: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_ = {};
  void (*handler_)(int) = nullptr;
};

TEST(AtomicFile, AppearsAtCommitWithAllBytes) {
  const ScratchFolder scratch;
  AtomicFile file(scratch / "a.bin");
  file.Write("hello ");
  file.Write("world");
  EXPECT_EQ(file.size(), 11U);
  EXPECT_FALSE(std::filesystem::exists(scratch / "a.bin"));
  file.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "hello world");
  EXPECT_EQ(FilesIn(scratch.path()), 1);
}

TEST(AtomicFile, SmallAndLargePiecesKeepTheirOrder) {
  const ScratchFolder scratch;
  std::string expected;
  {
    AtomicFile file(scratch / "a.bin");
    // Below, at and above the size of the buffer, mixed.
    for (const size_t size : {size_t{1}, size_t{1} << 20, size_t{0}, size_t{100}, size_t{3} << 20,
                              (size_t{1} << 20) - 1, size_t{1}, size_t{700'000}, size_t{700'000}}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      expected += piece;
      file.Write(piece);
      EXPECT_EQ(file.size(), expected.size());
    }
    file.Commit();
  }
  EXPECT_TRUE(ReadAll(scratch / "a.bin") == expected);
}

TEST(AtomicFile, WriteAtOverwritesBytesWrittenBefore) {
  const ScratchFolder scratch;
  AtomicFile file(scratch / "a.bin");
  file.Write("0000abcd");
  const std::string header = "1234";
  file.WriteAt(0, std::as_bytes(std::span(header)));
  file.Write("ef");
  EXPECT_THROW(file.WriteAt(7, std::as_bytes(std::span(header))), Error);
  file.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "1234abcdef");
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a.bin") << "old";
  {
    AtomicFile file(scratch / "a.bin");
    file.Write(std::string(3 << 20, 'x'));
  }
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "old");
  EXPECT_EQ(FilesIn(scratch.path()), 1);
}

TEST(AtomicFile, TwoWritersOfOneTargetDoNotMix) {
  const ScratchFolder scratch;
  AtomicFile first(scratch / "a.bin");
  AtomicFile second(scratch / "a.bin");
  first.Write("first");
  second.Write("second");
  first.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "first");
  second.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "second");
  EXPECT_EQ(FilesIn(scratch.path()), 1);
}

TEST(AtomicFile, LeftoversOfAKilledProcessAreNoObstacle) {
  const ScratchFolder scratch;
  // Whatever number comes next, the first names to be tried are taken.
  for (int number = 0; number < 100; ++number) {
    std::ofstream(scratch /
                  ("a.bin.tmp." + std::to_string(::getpid()) + "." + std::to_string(number)))
        << "leftover";
  }
  AtomicFile file(scratch / "a.bin");
  file.Write("new");
  file.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "new");
}

/// Does this in a process that then dies without tidying up.
template <class Work>
void RunAndDie(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(AtomicFile, LeftoversOfTheSameTargetAreRemovedAndThoseOfLivingWritersAreNot) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a.bin.tmp.siglip-notes") << "a user's";
  for (const char* name : {"a.bin", "b.bin"}) {
    RunAndDie([&] { (new AtomicFile(scratch / name))->Write("half"); });
  }
  EXPECT_EQ(FilesIn(scratch.path()), 3);
  AtomicFile living(scratch / "a.bin");
  EXPECT_EQ(FilesIn(scratch.path()), 3);  // the notes, b's and the new one
  const AtomicFile other(scratch / "a.bin");
  EXPECT_EQ(FilesIn(scratch.path()), 4);
  RemoveAbandonedFiles(scratch.path());
  EXPECT_EQ(FilesIn(scratch.path()), 3);  // without b's
  living.Write("whole");
  living.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "whole");
  EXPECT_EQ(ReadAll(scratch / "a.bin.tmp.siglip-notes"), "a user's");
}

TEST(AtomicFile, WithoutReplacingWhatIsThereIsKept) {
  const ScratchFolder scratch;
  AtomicFile file(scratch / "a.bin", {.replace = false});
  file.Write("new");
  std::ofstream(scratch / "a.bin") << "precious";
  ExpectError(ErrorCode::kInvalidArgument, {(scratch / "a.bin").string()}, [&] { file.Commit(); });
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "precious");
  std::filesystem::remove(scratch / "a.bin");
  file.Commit();
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "new");
  EXPECT_EQ(FilesIn(scratch.path()), 1);
  AtomicFile same(scratch / "a.bin", {.replace = false});
  same.Write("new");
  same.Commit();
  EXPECT_EQ(FilesIn(scratch.path()), 1);
}

TEST(AtomicFile, FilesThatBelongTogetherAppearTogether) {
  const ScratchFolder scratch;
  const auto write = [&](const std::string& text, bool replace,
                         std::vector<std::filesystem::path> obsolete = {}) {
    AtomicFile first(scratch / "first", {.replace = replace});
    AtomicFile last(scratch / "last", {.replace = replace});
    first.Write(text);
    last.Write(text);
    const std::vector<AtomicFile*> files = {&first, &last};
    AtomicFile::CommitTogether(files, obsolete);
  };
  std::ofstream(scratch / "last") << "precious";
  EXPECT_THROW(write("new", false), Error);
  EXPECT_EQ(FilesIn(scratch.path()), 1);
  std::ofstream(scratch / "old") << "of an earlier version";
  write("new", true, {scratch / "old", scratch / "not there"});
  EXPECT_EQ(ReadAll(scratch / "first") + ReadAll(scratch / "last"), "newnew");
  EXPECT_EQ(FilesIn(scratch.path()), 2);
}

TEST(AtomicFile, StopsWhenAskedTo) {
  const ScratchFolder scratch;
  std::atomic<bool> stop = false;
  {
    AtomicFile file(scratch / "a.bin", {.stop = &stop});
    file.Write("new");
    stop = true;
    ExpectError(ErrorCode::kCancelled, {}, [&] { file.Write("more"); });
    ExpectError(ErrorCode::kCancelled, {}, [&] { file.Commit(); });
  }
  EXPECT_EQ(FilesIn(scratch.path()), 0);
}

TEST(AtomicFile, FullDiskIsAnErrorThatLeavesTheOldFile) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "a.bin") << "old";
  const FullDisk full(100'000);
  const auto write = [&](size_t pieces, size_t size) {
    AtomicFile file(scratch / "a.bin");
    for (size_t i = 0; i < pieces; ++i) file.Write(std::string(size, 'x'));
    file.Commit();
  };
  const auto code_of = [&](size_t pieces, size_t size) {
    try {
      write(pieces, size);
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("a.bin: cannot write: "), std::string::npos);
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(1, 200'000), ErrorCode::kIo);    // fails in Commit
  EXPECT_EQ(code_of(20, 200'000), ErrorCode::kIo);   // fails in a flush
  EXPECT_EQ(code_of(1, 5'000'000), ErrorCode::kIo);  // fails in a large write
  EXPECT_EQ(ReadAll(scratch / "a.bin"), "old");
  EXPECT_EQ(FilesIn(scratch.path()), 1);
  write(1, 100'000);
  EXPECT_EQ(ReadAll(scratch / "a.bin").size(), 100'000U);
}

TEST(AtomicFile, RefusesTargetsThatCannotBeReplaced) {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "folder");
  ASSERT_EQ(::mkfifo((scratch / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& target :
       {scratch / "folder", scratch / "pipe", scratch / "nowhere/a.bin",
        std::filesystem::path("/dev/null")}) {
    try {
      AtomicFile file(target);
      ADD_FAILURE() << target << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_NE(error.message().find(target.string()), std::string::npos) << error.message();
    }
  }
  EXPECT_EQ(FilesIn(scratch.path()), 2);
}

TEST(AtomicFile, RelativeNamesAndLongNamesWork) {
  const ScratchFolder scratch;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  const std::string longest(255, 'n');
  for (const std::string& name : {std::string("a.bin"), longest}) {
    AtomicFile file(name);
    file.Write("x");
    file.Commit();
    EXPECT_EQ(ReadAll(scratch / name), "x");
  }
  std::filesystem::current_path(before);
}

TEST(AtomicFile, NewFilesFollowTheUmaskAndOldOnesKeepTheirPermissions) {
  const ScratchFolder scratch;
  const mode_t before = ::umask(0027);
  const auto write = [&] {
    AtomicFile file(scratch / "a.bin");
    file.Write("x");
    file.Commit();
  };
  write();
  EXPECT_EQ(PermissionsOf(scratch / "a.bin"), 0640U);
  ASSERT_EQ(::chmod((scratch / "a.bin").c_str(), 0604), 0);
  write();
  EXPECT_EQ(PermissionsOf(scratch / "a.bin"), 0604U);
  ::umask(before);
}

TEST(AtomicFile, ASymbolicLinkStaysAndItsFileIsReplaced) {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "elsewhere");
  std::ofstream(scratch / "elsewhere/real.bin") << "old";
  std::filesystem::create_symlink("elsewhere/real.bin", scratch / "link.bin");
  std::filesystem::create_symlink("elsewhere/new.bin", scratch / "dangling.bin");
  for (const char* name : {"link.bin", "dangling.bin"}) {
    AtomicFile file(scratch / name);
    file.Write("new");
    file.Commit();
    EXPECT_TRUE(std::filesystem::is_symlink(scratch / name));
  }
  EXPECT_EQ(ReadAll(scratch / "elsewhere/real.bin"), "new");
  EXPECT_EQ(ReadAll(scratch / "elsewhere/new.bin"), "new");
  EXPECT_EQ(FilesIn(scratch / "elsewhere"), 2);
}

}  // namespace
}  // namespace siglip
