// Preloaded into a program: lets it die before, or fail in, one of the calls that change files.
//
//   FAILING_CALLS_LOG=FILE      every such call is appended, one line each: name and path
//   FAILING_CALLS_KILL=N        SIGKILL before the N-th call, counted from 1
//   FAILING_CALLS_PAUSE=name    SIGSTOP before the first call of this name
//   FAILING_CALLS_FULL=N        from the N-th call on the disk is full: writes fail with ENOSPC
//   FAILING_CALLS_REFUSE=a,b    calls of these names fail with EINVAL (renameat2) or EPERM
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int calls = 0;
static int paused = 0;

static long number(const char* name) {
  const char* text = getenv(name);
  return text ? atol(text) : -1;
}

static void log_call(const char* name, const char* path) {
  const char* file = getenv("FAILING_CALLS_LOG");
  if (!file) return;
  char line[8192];
  const int size = snprintf(line, sizeof(line), "%s %s\n", name, path);
  const int log = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (log < 0) return;
  syscall(SYS_write, log, line, (size_t)size);
  syscall(SYS_close, log);
}

// Whether the call is to fail, with errno set.
static int enter(const char* name, const char* path, int needs_room) {
  const int call = __sync_add_and_fetch(&calls, 1);
  log_call(name, path);
  if (call == number("FAILING_CALLS_KILL")) kill(getpid(), SIGKILL);
  const char* pause_at = getenv("FAILING_CALLS_PAUSE");
  if (pause_at && strcmp(pause_at, name) == 0 && __sync_add_and_fetch(&paused, 1) == 1) {
    kill(getpid(), SIGSTOP);
  }
  const long full = number("FAILING_CALLS_FULL");
  if (needs_room && full > 0 && call >= full) {
    errno = ENOSPC;
    return 1;
  }
  const char* refused = getenv("FAILING_CALLS_REFUSE");
  for (const char* at = refused ? strstr(refused, name) : NULL; at; at = strstr(at + 1, name)) {
    const char end = at[strlen(name)];
    if ((at != refused && at[-1] != ',') || (end != ',' && end != '\0')) continue;
    errno = strcmp(name, "renameat2") == 0 ? EINVAL : EPERM;
    return 1;
  }
  return 0;
}

// The same for an open file; pipes and terminals do not count.
static int enter_file(const char* name, int file, int needs_room) {
  struct stat status;
  if (fstat(file, &status) != 0 || S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) return 0;
  char link[64];
  char path[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof(path) - 1);
  path[size < 0 ? 0 : size] = '\0';
  return enter(name, path, needs_room);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void* bytes, size_t size) {
  return enter_file("write", file, 1) ? -1 : REAL(write)(file, bytes, size);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return enter_file("write", file, 1) ? -1 : REAL(pwrite)(file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return enter_file("write", file, 1) ? -1 : REAL(pwrite64)(file, bytes, size, offset);
}

int ftruncate(int file, off_t size) {
  return enter_file("ftruncate", file, 0) ? -1 : REAL(ftruncate)(file, size);
}

int fsync(int file) { return enter_file("fsync", file, 0) ? -1 : REAL(fsync)(file); }

int fdatasync(int file) { return enter_file("fsync", file, 0) ? -1 : REAL(fdatasync)(file); }

int rename(const char* from, const char* to) {
  return enter("rename", to, 0) ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return enter("renameat2", to, 0) ? -1 : REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int link(const char* from, const char* to) {
  return enter("link", to, 0) ? -1 : REAL(link)(from, to);
}

int unlink(const char* path) { return enter("unlink", path, 0) ? -1 : REAL(unlink)(path); }

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if ((flags & O_CREAT) != 0 && enter("create", path, 1)) return -1;
  return REAL(open)(path, flags, mode);
}
