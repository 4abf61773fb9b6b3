// What a child of fork() does, in tests.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "sanitizers.h"

namespace siglip {

/// Whether a child may start threads where its parent has some. ThreadSanitizer ends one that does.
/// AddressSanitizer is not ready for it before LLVM 18: where another thread of the parent was
/// allocating or just starting, the child waits for ever for the sanitizer's own lock (seen in a
/// debugger).
inline constexpr bool kChildrenMayStartThreads = !kThreadSanitizer && !kAddressSanitizer;

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
