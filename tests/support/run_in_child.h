// What a child of fork() does, in tests.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace siglip {

// g++ says which sanitizer is on by a macro, clang by a feature.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/// ThreadSanitizer ends a child that starts threads of its own if its parent had any.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kChildrenMayStartThreads = false;
#else
inline constexpr bool kChildrenMayStartThreads = true;
#endif

/// AddressSanitizer's allocator is not ready for fork() before LLVM 18: in a child forked while
/// another thread allocated, the next allocation may wait forever for that thread's lock.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kOthersMayAllocate = false;
#else
inline constexpr bool kOthersMayAllocate = true;
#endif

/// Whether `action` returned true in a child of fork(), which then exits. A child that hangs is
/// killed after a minute.
inline bool SucceedsInChild(const std::function<bool()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    bool succeeded = false;
    try {
      succeeded = action();
    } catch (...) {
    }
    ::_exit(succeeded ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace siglip
