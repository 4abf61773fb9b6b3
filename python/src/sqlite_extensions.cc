// Extensions of SQLite that an index does not use: full text search and trees of rectangles. SQLite
// begins each of them with every connection by these functions; with these in their place the
// linker leaves out a third of the library.

// NOLINTBEGIN(readability-identifier-naming): SQLite's own names
extern "C" {
int sqlite3Fts3Init(void* database);
int sqlite3Fts5Init(void* database);
int sqlite3RtreeInit(void* database);

constexpr int kOk = 0;  // SQLITE_OK

int sqlite3Fts3Init(void* /*database*/) { return kOk; }
int sqlite3Fts5Init(void* /*database*/) { return kOk; }
int sqlite3RtreeInit(void* /*database*/) { return kOk; }
}
// NOLINTEND(readability-identifier-naming)
