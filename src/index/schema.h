// The tables of an index, and their version.
#pragma once

#include <filesystem>

#include "index/database.h"

namespace siglip {

/// What `root.kind` may be.
inline constexpr const char* kFolderKind = "folder";
inline constexpr const char* kArchiveKind = "archive";

/// In SQL: the path of a row of `file` joined with `root`, as bytes, whose order is that of paths.
inline constexpr const char* kWholePath =
    "CAST(CASE root.path WHEN X'2F' THEN '/' ELSE root.path || '/' END || file.path AS BLOB)";

/// The database of the index in a folder. For writing it is made where there is none, with its
/// folder, which only the user may enter. Throws Error: kNotFound, kIo, kMalformedFile, and
/// kUnsupported for an index of a newer version or, to be written, on a disk of another computer.
Database OpenIndexDatabase(const std::filesystem::path& folder, Database::Access access);

/// To be called in the transaction that adds an archive: from then on an older siglip, to which its
/// pictures would be missing files, refuses the index.
void NoteArchives(Database& database);

}  // namespace siglip
