// The scan file after the database has changed.
#pragma once

#include <filesystem>

#include "index/database.h"
#include "index/scan_file.h"

namespace siglip {

/// For whoever holds the lock of the index.
class ScanUpdate {
 public:
  /// Of a database with a space, which must outlive this object.
  ScanUpdate(Database& database, const std::filesystem::path& folder);

  /// To be called after every commit: adds the vectors that the file lacks, or writes it anew where
  /// it cannot be used or a quarter of it is of contents that were removed.
  void Run();

 private:
  void WriteAnew();

  Database& database_;
  const std::filesystem::path path_;
  const ScanSpace space_;
  const ScanFileWriter writer_;
  Statement vectors_behind_;
  int64_t last_id_ = -1;  // in the file; negative: it cannot be used
  int64_t rows_ = 0;
};

}  // namespace siglip
