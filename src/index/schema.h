// The tables of an index, and their version.
#pragma once

#include <filesystem>

#include "index/database.h"

namespace siglip {

/// In SQL: the path of a row of `file` joined with `root`, as bytes, whose order is that of paths.
inline constexpr const char* kWholePath =
    "CAST(CASE root.path WHEN X'2F' THEN '/' ELSE root.path || '/' END || file.path AS BLOB)";

/// The database of the index in a folder. For writing it is made where there is none, with its
/// folder, which only the user may enter. Throws Error: kNotFound, kIo, kMalformedFile, and
/// kUnsupported for an index of a newer version or, to be written, on a disk of another computer.
Database OpenIndexDatabase(const std::filesystem::path& folder, Database::Access access);

}  // namespace siglip
