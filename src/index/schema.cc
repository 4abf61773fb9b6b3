#include "index/schema.h"

#include <string>
#include <system_error>

#include "siglip/error.hpp"
#include "siglip/folder_watch.hpp"

namespace siglip {
namespace {

constexpr int64_t kApplication = 0x53474C50;  // "SGLP"
/// An index says the least version that knows all that is in it.
constexpr int64_t kVersion = 1;
constexpr int64_t kVersionOfArchives = 2;

// Content and file are two things: a copy, a file that was moved, a folder that was renamed and a
// disk that comes back cost a hash and no embedding.
constexpr const char* kTables = R"(
CREATE TABLE space(             -- one row: in which space the vectors lie
  id INTEGER PRIMARY KEY CHECK (id = 1),
  uuid BLOB NOT NULL CHECK (length(uuid) = 16),
  model TEXT NOT NULL,          -- as it was named
  fingerprint TEXT NOT NULL,    -- Fingerprint::ToJson
  dimensions INTEGER NOT NULL,
  logit_scale REAL,             -- null: the model compares no texts
  logit_bias REAL,
  made_by TEXT NOT NULL) STRICT;
CREATE TABLE root(
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,    -- absolute, without links; of an archive its name; no slash at its end
  kind TEXT NOT NULL) STRICT;   -- "folder" or "archive"
CREATE TABLE mount(             -- other file systems below a root when it was last looked at
  root INTEGER NOT NULL REFERENCES root(id) ON DELETE CASCADE,
  path BLOB NOT NULL,           -- relative, with a slash at its end
  PRIMARY KEY (root, path)) STRICT, WITHOUT ROWID;
CREATE TABLE content(           -- one row for the same bytes, however many files have them
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: the scan file relies on it
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 16),
  size INTEGER NOT NULL,
  format TEXT,
  width INTEGER,                -- upright
  height INTEGER,
  taken INTEGER,                -- seconds since 1970 of the clock where it was taken
  taken_offset INTEGER,         -- minutes of that clock ahead of UTC, where known
  greys BLOB,                   -- 9 x 8 mean greys; null: as yet only archives have it, or an error
  error_code TEXT,              -- why there is no vector
  error TEXT,
  tried TEXT) STRICT;           -- by which version, with which limits
CREATE INDEX content_taken ON content(taken);
CREATE TABLE vector(
  content INTEGER PRIMARY KEY REFERENCES content(id) ON DELETE CASCADE,
  f16 BLOB NOT NULL) STRICT;    -- of norm 1
CREATE TABLE file(
  id INTEGER PRIMARY KEY,
  root INTEGER NOT NULL REFERENCES root(id) ON DELETE CASCADE,
  path BLOB NOT NULL,           -- relative, the bytes that the system has
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,    -- 0 of an archive
  content INTEGER REFERENCES content(id),  -- null: never read
  seen INTEGER NOT NULL,        -- when it was read, in nanoseconds since 1970; 0 of an archive
  missing_since INTEGER,        -- seconds since 1970
  error TEXT,                   -- of reading, not of the content
  UNIQUE (root, path)) STRICT;
CREATE INDEX file_content ON file(content);
CREATE TABLE gone(              -- contents without a file that is there, and removed contents that
  content INTEGER PRIMARY KEY,  -- the scan file still has
  since INTEGER NOT NULL) STRICT;
CREATE TABLE apart(             -- "not duplicates"
  a INTEGER NOT NULL REFERENCES content(id) ON DELETE CASCADE,
  b INTEGER NOT NULL REFERENCES content(id) ON DELETE CASCADE,
  PRIMARY KEY (a, b), CHECK (a < b)) STRICT, WITHOUT ROWID;
)";

void MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    throw Error(ErrorCode::kIo, folder.string() + ": cannot make the folder: " + error.message());
  }
  if (IsOnAnotherComputer(folder)) {
    throw Error(
        ErrorCode::kUnsupported,
        folder.string() + ": lies on a disk of another computer, where an index is not safe",
        "choose a folder on a disk of this one: --index DIR");
  }
}

void MakeTables(Database& database) {
  Transaction transaction(database);
  if (database.Integer("PRAGMA user_version") != 0) return;  // somebody else was faster
  database.Execute(kTables);
  database.Execute("PRAGMA application_id = " + std::to_string(kApplication));
  database.Execute("PRAGMA user_version = " + std::to_string(kVersion));
  transaction.Commit();
}

void CheckVersion(const Database& database) {
  if (database.Integer("PRAGMA application_id") != kApplication) {
    throw Error(ErrorCode::kMalformedFile,
                database.name() + ": a database, but not one that siglip index made");
  }
  const int64_t version = database.Integer("PRAGMA user_version");
  if (version >= kVersion && version <= kVersionOfArchives) return;
  throw Error(ErrorCode::kUnsupported,
              database.name() + ": expected version " + std::to_string(kVersionOfArchives) +
                  " of the index or an earlier one, found " + std::to_string(version),
              "a newer siglip made it");
}

}  // namespace

Database OpenIndexDatabase(const std::filesystem::path& folder, Database::Access access) {
  const bool write = access == Database::Access::kWrite;
  if (write) MakeFolder(folder);
  Database database(folder / "index.sqlite", access);
  if (write) {
    // Five vectors of 768 halves fill a page of this size.
    database.Execute("PRAGMA page_size = 8192");
    if (database.Integer("SELECT count(*) FROM sqlite_master") == 0) {
      database.Execute("PRAGMA journal_mode = WAL");
      MakeTables(database);
    }
    CheckVersion(database);
    // What is committed outlives a power failure.
    database.Execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  } else {
    if (database.Integer("SELECT count(*) FROM sqlite_master") == 0) {
      throw Error(ErrorCode::kNotFound, database.name() + ": there is no index yet",
                  "make one: siglip index");
    }
    CheckVersion(database);
    database.Execute("PRAGMA query_only = ON");
  }
  return database;
}

void NoteArchives(Database& database) {
  database.Execute("PRAGMA user_version = " + std::to_string(kVersionOfArchives));
}

}  // namespace siglip
