#define _GNU_SOURCE
#include "unsynced_files.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_PATH 4096

// System calls as they are: the functions of these names are those that are looked at.
static int call_open(const char* path, int flags) {
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

struct image {
  char* bytes;
  size_t size;
};

// Of a file's contents since its last sync: bytes at an offset or, without bytes, a new size.
struct change {
  char* bytes;
  size_t size;
  size_t offset;
};

struct file {
  char path[MOST_PATH];  // its name by now; empty: none
  struct image synced;
  struct change* changes;
  size_t count;
  struct file* next;
};

// Of the folder since its last sync.
struct name_change {
  enum { CREATED, RENAMED, UNLINKED } kind;
  char from[MOST_PATH];
  char to[MOST_PATH];
  struct file* file;
  struct file* replaced;  // by a renaming
};

static enum { NOTHING, ALL, HALF, TORN } loss = NOTHING;
static uint64_t random_state;
static struct file* files;
static struct name_change* names;
static size_t name_count;

static void fail(const char* why, const char* path) {
  fprintf(stderr, "unsynced_files: %s: %s\n", why, path);
  _exit(98);
}

static void* checked(void* memory) {
  if (memory == NULL) fail("no memory", "");
  return memory;
}

static size_t below(size_t limit) {  // splitmix64
  uint64_t value = random_state += UINT64_C(0x9E3779B97F4A7C15);
  value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
  return (size_t)((value ^ value >> 31) % limit);
}

static void set_size(struct image* image, size_t size) {
  if (size > image->size) {
    image->bytes = checked(realloc(image->bytes, size));
    memset(image->bytes + image->size, 0, size - image->size);
  }
  image->size = size;
}

static void apply(const struct change* change, struct image* image) {
  const size_t end = change->offset + change->size;
  if (change->bytes == NULL) {
    set_size(image, change->size);
  } else {
    if (end > image->size) set_size(image, end);
    memcpy(image->bytes + change->offset, change->bytes, change->size);
  }
}

static int read_image(const char* path, struct image* image) {
  const int file = call_open(path, O_RDONLY);
  struct stat status;
  if (file < 0) return 0;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) fail("is no file", path);
  set_size(image, (size_t)status.st_size);
  for (size_t done = 0; done < image->size;) {
    const long count = syscall(SYS_pread64, file, image->bytes + done, image->size - done, done);
    if (count <= 0) fail("cannot be read", path);
    done += (size_t)count;
  }
  syscall(SYS_close, file);
  return 1;
}

static void write_image(const char* path, const struct image* image) {
  const int file = call_open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file < 0) fail("cannot be made", path);
  for (size_t done = 0; done < image->size;) {
    const long count = syscall(SYS_pwrite64, file, image->bytes + done, image->size - done, done);
    if (count <= 0) fail("cannot be written", path);
    done += (size_t)count;
  }
  syscall(SYS_close, file);
}

static struct file* find(const char* path) {
  struct file* file = files;
  while (file != NULL && strcmp(file->path, path) != 0) file = file->next;
  return file;
}

static struct file* add(const char* path) {
  struct file* file = checked(calloc(1, sizeof *file));
  strcpy(file->path, path);
  file->next = files;
  files = file;
  return file;
}

static struct file* known(const char* path) {
  struct file* file = find(path);
  if (file == NULL) fail("was not told of before", path);
  return file;
}

static struct name_change* add_name(int kind, const char* from, const char* to) {
  names = checked(realloc(names, (name_count + 1) * sizeof *names));
  struct name_change* name = &names[name_count++];
  memset(name, 0, sizeof *name);
  name->kind = kind;
  strcpy(name->from, from);
  strcpy(name->to, to);
  return name;
}

static void add_change(const char* path, const void* bytes, size_t size, size_t offset) {
  struct file* file = find(path);
  if (file == NULL) return;  // it lost its name
  file->changes = checked(realloc(file->changes, (file->count + 1) * sizeof *file->changes));
  struct change* change = &file->changes[file->count++];
  *change = (struct change){NULL, size, offset};
  if (bytes != NULL) change->bytes = memcpy(checked(malloc(size + 1)), bytes, size);
}

int unsynced_begin(const char* word, unsigned long seed) {
  loss = strcmp(word, "all") == 0 ? ALL : strcmp(word, "half") == 0 ? HALF : TORN;
  random_state = seed;
  return loss != TORN || strcmp(word, "torn") == 0;
}

int unsynced_is_on(void) { return loss != NOTHING; }

void unsynced_before(const char* path) {
  struct image image = {NULL, 0};
  if (find(path) == NULL && read_image(path, &image)) add(path)->synced = image;
}

void unsynced_created(const char* path) { add_name(CREATED, path, "")->file = add(path); }

void unsynced_written(const char* path, const void* bytes, size_t size, off_t offset) {
  if (size > 0) add_change(path, bytes, size, (size_t)offset);
}

void unsynced_truncated(const char* path, off_t size) { add_change(path, NULL, (size_t)size, 0); }

void unsynced_renamed(const char* from, const char* to) {
  struct name_change* name = add_name(RENAMED, from, to);
  name->replaced = find(to);
  name->file = known(from);
  if (name->replaced != NULL) name->replaced->path[0] = '\0';
  strcpy(name->file->path, to);
}

void unsynced_refuse(const char* call, const char* path) { fail(call, path); }

void unsynced_unlinked(const char* path) {
  struct name_change* name = add_name(UNLINKED, path, "");
  name->file = known(path);
  name->file->path[0] = '\0';
}

void unsynced_synced(const char* path) {
  struct file* file = find(path);
  if (file == NULL) return;
  for (size_t i = 0; i < file->count; ++i) {
    apply(&file->changes[i], &file->synced);
    free(file->changes[i].bytes);
  }
  file->count = 0;
}

void unsynced_folder_synced(void) { name_count = 0; }

// The moment, as a number of changes, at which something of the file is lost.
static size_t moment(const struct file* file) {
  if (loss == ALL) return 0;
  return loss == HALF ? below(2) * file->count : below(file->count + 1);
}

static struct image left_of(const struct file* file) {
  const size_t piece = loss == TORN ? 512 : 4096;
  struct image now = {NULL, 0};
  struct image left = {NULL, 0};
  set_size(&now, file->synced.size);
  memcpy(now.bytes, file->synced.bytes, now.size);
  size_t most = now.size;
  for (size_t i = 0; i < file->count; ++i) {
    const struct change* change = &file->changes[i];
    const size_t size = change->size + (change->bytes != NULL ? change->offset : 0);
    if (size > most) most = size;
  }
  const size_t pieces = (most + piece - 1) / piece;
  size_t* moments = checked(calloc(pieces + 1, sizeof *moments));
  for (size_t i = 0; i < pieces; ++i) moments[i] = moment(file);
  const size_t moment_of_size = moment(file);
  size_t size = 0;
  set_size(&left, most);
  for (size_t time = 0; time <= file->count; ++time) {
    if (time > 0) apply(&file->changes[time - 1], &now);
    if (time == moment_of_size) size = now.size;
    for (size_t i = 0; i < pieces && i * piece < now.size; ++i) {
      if (moments[i] != time) continue;
      const size_t rest = now.size - i * piece;
      memcpy(left.bytes + i * piece, now.bytes + i * piece, rest < piece ? rest : piece);
    }
  }
  set_size(&left, size);
  return left;
}

// Newest first. Afterwards the files have the names that are left.
static void undo_names(size_t kept) {
  while (name_count > kept) {
    struct name_change* name = &names[--name_count];
    if (name->kind == UNLINKED) {
      strcpy(name->file->path, name->from);
    } else if (name->kind == CREATED) {
      syscall(SYS_unlinkat, AT_FDCWD, name->from, 0);
      if (strcmp(name->file->path, name->from) == 0) name->file->path[0] = '\0';
    } else {
      syscall(SYS_unlinkat, AT_FDCWD, name->to, 0);
      strcpy(name->file->path, name->from);
      if (name->replaced != NULL) strcpy(name->replaced->path, name->to);
    }
  }
}

void unsynced_lose(void) {
  const size_t kept = loss == ALL ? 0 : below(name_count + 1);
  undo_names(kept);
  for (const struct file* file = files; file != NULL; file = file->next) {
    if (file->path[0] == '\0') continue;
    const struct image left = left_of(file);
    write_image(file->path, &left);
  }
}

const char* unsynced_stranger(void) {
  for (struct file* file = files; file != NULL; file = file->next) {
    if (file->path[0] == '\0') continue;
    struct image found = {NULL, 0};
    unsynced_synced(file->path);
    const int is_same = read_image(file->path, &found) && found.size == file->synced.size &&
                        memcmp(found.bytes, file->synced.bytes, found.size) == 0;
    free(found.bytes);
    if (!is_same) return file->path;
  }
  return NULL;
}
