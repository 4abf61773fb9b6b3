// What a child of fork() does, in tests.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace siglip {

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
