// One holder at a time, also in the face of lock files that disappear.
#include "hub/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "expect_error.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

/// Whether somebody holds the lock that is at this path by now.
bool IsHeld(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  const bool held = ::flock(file, LOCK_EX | LOCK_NB) != 0;
  ::close(file);
  return held;
}

TEST(FileLock, IsHeldWhileItLives) {
  const ScratchFolder scratch;
  {
    const FileLock lock(scratch / "a.lock", nullptr);
    EXPECT_TRUE(IsHeld(scratch / "a.lock"));
  }
  EXPECT_FALSE(IsHeld(scratch / "a.lock"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "a.lock"));
}

TEST(FileLock, WaitsForTheHolderEvenIfThatRemovesTheFile) {
  for (const bool remove : {false, true}) {
    const ScratchFolder scratch;
    std::optional<FileLock> first(std::in_place, scratch / "a.lock", nullptr);
    std::atomic<bool> second_has_it = false;
    std::thread second([&] {
      const FileLock lock(scratch / "a.lock", nullptr);
      second_has_it = true;
      EXPECT_TRUE(IsHeld(scratch / "a.lock"));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_FALSE(second_has_it);
    if (remove) std::filesystem::remove(scratch / "a.lock");
    first.reset();
    second.join();
    EXPECT_TRUE(second_has_it);
  }
}

TEST(FileLock, WaitingCanBeStopped) {
  const ScratchFolder scratch;
  const FileLock lock(scratch / "a.lock", nullptr);
  const std::atomic<bool> stop = true;
  ExpectError(ErrorCode::kCancelled, {}, [&] { FileLock(scratch / "a.lock", &stop); });
}

TEST(FileLock, DoesNotFollowLinks) {
  const ScratchFolder scratch;
  std::filesystem::create_symlink("elsewhere", scratch / "a.lock");
  ExpectError(ErrorCode::kIo, {"a.lock"}, [&] { FileLock(scratch / "a.lock", nullptr); });
  EXPECT_FALSE(std::filesystem::exists(scratch / "elsewhere"));
}

}  // namespace
}  // namespace siglip
