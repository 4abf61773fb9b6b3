// Preloaded into a program: lets it die before, or fail in, one of the calls that change files.
//
//   FAILING_CALLS_LOG=FILE      every such call is appended, one line each: name and path
//   FAILING_CALLS_KILL=N        SIGKILL before the N-th call, counted from 1
//   FAILING_CALLS_PAUSE=name    SIGSTOP before the first call of this name
//   FAILING_CALLS_FULL=N        from the N-th call on the disk is full: writes fail with ENOSPC
//   FAILING_CALLS_REFUSE=a,b    calls of these names fail with EINVAL (renameat2) or EPERM
//   FAILING_CALLS_FOLDER=DIR    only calls for files in this folder count, named by absolute paths;
//                               SQLite's -shm does not, which nobody keeps
//   FAILING_CALLS_LOSE=loss     the kill is a power failure, see unsynced_files.h; needs a folder.
//   A
//                               program that ends alive and whose files are not as they should be
//                               by these calls ends with status 99.
//   FAILING_CALLS_SEED=N        of what is lost
//   FAILING_CALLS_NO_SYNC=1     calls that sync files do nothing
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unsynced_files.h"

#define MOST_PATH 4096

static int calls = 0;
static int paused = 0;
static const char* folder;
static int no_sync = 0;
// While a power failure may come: a call and what is noted about it are one.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

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

__attribute__((constructor)) static void begin(void) {
  folder = getenv("FAILING_CALLS_FOLDER");
  no_sync = getenv("FAILING_CALLS_NO_SYNC") != NULL;
  const char* loss = getenv("FAILING_CALLS_LOSE");
  if (loss != NULL &&
      (folder == NULL || !unsynced_begin(loss, (unsigned long)number("FAILING_CALLS_SEED")))) {
    fprintf(stderr, "failing_calls: FAILING_CALLS_LOSE=%s\n", loss);
    _exit(98);
  }
}

__attribute__((destructor)) static void end(void) {
  const char* stranger = unsynced_is_on() ? unsynced_stranger() : NULL;
  if (stranger == NULL) return;
  fprintf(stderr, "failing_calls: %s was changed by a call that is not looked at\n", stranger);
  _exit(99);
}

static int counts(const char* path) {
  if (folder == NULL) return 1;
  const size_t length = strlen(folder);
  if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0')) return 0;
  const size_t size = strlen(path);
  return size < 4 || strcmp(path + size - 4, "-shm") != 0;
}

static int is_watched(const char* path) { return unsynced_is_on() && counts(path); }

// Whether the call is to fail, with errno set.
static int enter(const char* name, const char* path, int needs_room) {
  if (!counts(path)) return 0;
  const int call = __sync_add_and_fetch(&calls, 1);
  log_call(name, path);
  if (call == number("FAILING_CALLS_KILL")) {
    if (unsynced_is_on()) unsynced_lose();
    kill(getpid(), SIGKILL);
  }
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

// Of an open file, or an empty path: pipes and terminals do not count.
static void path_of(int file, char* path) {
  struct stat status;
  path[0] = '\0';
  if (fstat(file, &status) != 0 || S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) return;
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, MOST_PATH - 1);
  path[size < 0 ? 0 : size] = '\0';
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// Runs `call` between what comes before and after it; `note` is run when it succeeded.
#define AROUND(type, name, path, needs_room, call, note)     \
  do {                                                       \
    if (unsynced_is_on()) pthread_mutex_lock(&mutex);        \
    const int watched = path[0] != '\0' && is_watched(path); \
    type result = -1;                                        \
    if (path[0] == '\0' || !enter(name, path, needs_room)) { \
      if (watched) unsynced_before(path);                    \
      result = call;                                         \
      const int error = errno;                               \
      if (watched && result >= 0) note;                      \
      errno = error;                                         \
    }                                                        \
    if (unsynced_is_on()) pthread_mutex_unlock(&mutex);      \
    return result;                                           \
  } while (0)

static ssize_t write_at(int file, const void* bytes, size_t size, off_t offset, int has_offset) {
  char path[MOST_PATH];
  path_of(file, path);
  if (!has_offset && unsynced_is_on() && counts(path)) {
    const int append = (fcntl(file, F_GETFL) & O_APPEND) != 0;
    offset = lseek(file, 0, append ? SEEK_END : SEEK_CUR);
  }
  AROUND(ssize_t, "write", path, 1,
         has_offset ? REAL(pwrite)(file, bytes, size, offset) : REAL(write)(file, bytes, size),
         unsynced_written(path, bytes, (size_t)result, offset));
}

ssize_t write(int file, const void* bytes, size_t size) {
  return write_at(file, bytes, size, 0, 0);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return write_at(file, bytes, size, offset, 1);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return write_at(file, bytes, size, offset, 1);
}

int ftruncate(int file, off_t size) {
  char path[MOST_PATH];
  path_of(file, path);
  AROUND(int, "ftruncate", path, 0, REAL(ftruncate)(file, size), unsynced_truncated(path, size));
}

int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

static int sync_file(int file, int (*real)(int)) {
  char path[MOST_PATH];
  path_of(file, path);
  if (unsynced_is_on()) pthread_mutex_lock(&mutex);
  int result = -1;
  if (path[0] == '\0' || !enter("fsync", path, 0)) {
    const int skipped = no_sync && counts(path);
    result = skipped ? 0 : real(file);
    if (!skipped && result == 0 && is_watched(path)) {
      if (strcmp(path, folder) == 0) {
        unsynced_folder_synced();
      } else {
        unsynced_synced(path);
      }
    }
  }
  if (unsynced_is_on()) pthread_mutex_unlock(&mutex);
  return result;
}

int fsync(int file) { return sync_file(file, REAL(fsync)); }

int fdatasync(int file) { return sync_file(file, REAL(fdatasync)); }

int rename(const char* from, const char* to) {
  if (is_watched(to)) unsynced_before(from);
  AROUND(int, "rename", to, 0, REAL(rename)(from, to), unsynced_renamed(from, to));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if (is_watched(to)) unsynced_before(from);
  if (is_watched(to) && (flags & RENAME_EXCHANGE) != 0) unsynced_refuse("is exchanged", to);
  AROUND(int, "renameat2", to, 0, REAL(renameat2)(from_folder, from, to_folder, to, flags),
         unsynced_renamed(from, to));
}

int link(const char* from, const char* to) {
  AROUND(int, "link", to, 0, REAL(link)(from, to), unsynced_refuse("link is not simulated", to));
}

int unlink(const char* path) {
  AROUND(int, "unlink", path, 0, REAL(unlink)(path), unsynced_unlinked(path));
}

static int open_file(const char* path, int flags, mode_t mode) {
  if ((flags & (O_CREAT | O_TRUNC)) == 0) return REAL(open)(path, flags, mode);
  const int is_new = access(path, F_OK) != 0;
  AROUND(int, "create", path, 1, REAL(open)(path, flags, mode),
         is_new ? unsynced_created(path)
                : (void)((flags & O_TRUNC) != 0 ? unsynced_truncated(path, 0) : (void)0));
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(path, flags, mode);
}
