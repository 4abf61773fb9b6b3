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

/// Whether a child may start threads where its parent has some. ThreadSanitizer ends one that does.
/// AddressSanitizer is not ready for it before LLVM 18: where another thread of the parent was
/// allocating or just starting, the child waits for ever for the sanitizer's own lock (seen in a
/// debugger).
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kChildrenMayStartThreads = false;
#else
inline constexpr bool kChildrenMayStartThreads = true;
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
