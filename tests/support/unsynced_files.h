// What a power failure may leave of files: all that was written since the last sync of each, and
// all names that were given or taken since the last sync of the folder, may be there or not.
//
// Simulated are files and names in one folder, as if its file system kept the order of changes of
// names and nothing else: any first part of these may have reached the disk, and each piece of a
// file may be as it was at any moment since the file's last sync, as may be its length. What a
// piece is depends on the kind of loss. A sync of a file makes nothing of its name lasting, as
// POSIX has it.
#ifndef SIGLIP_TESTS_UNSYNCED_FILES_H_
#define SIGLIP_TESTS_UNSYNCED_FILES_H_

#include <sys/types.h>

// "all": nothing unsynced is there. "half": of every 4,096 bytes of a file either nothing unsynced
// is there or all of it, of names any first part. "torn": every 512 bytes are as at a moment of
// their own. Returns 0 for another word.
int unsynced_begin(const char* loss, unsigned long seed);
// Whether that was called.
int unsynced_is_on(void);

// All are told right after a call succeeded, but for the first, which is told before a call that
// may change the contents or the names of a file that is there: so it is known what these were.
// Paths are absolute.

void unsynced_before(const char* path);
void unsynced_created(const char* path);
void unsynced_written(const char* path, const void* bytes, size_t size, off_t offset);
void unsynced_truncated(const char* path, off_t size);
void unsynced_renamed(const char* from, const char* to);
void unsynced_unlinked(const char* path);
void unsynced_synced(const char* path);
void unsynced_folder_synced(void);

// Ends the program, saying that this call on a file cannot be simulated.
void unsynced_refuse(const char* call, const char* path);
// The power fails: changes the files to what is left of them.
void unsynced_lose(void);
// The first file whose contents are not what was told, or null. Then something changed it by a call
// that is not looked at.
const char* unsynced_stranger(void);

#endif
