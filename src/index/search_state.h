// What searches need of an index besides the rows of their hits, kept until the index changes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "index/database.h"
#include "index/exact_search.h"
#include "index/scan_file.h"
#include "siglip/index.hpp"

namespace siglip {

/// All statements between see the same state of the database.
class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database);
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  ~ReadTransaction();

 private:
  void End();

  Database& database_;
};

struct SearchState {
  IndexSpace space;
  /// Absent where there is none that can be used; then all vectors are held.
  std::optional<ScanFile> scan;
  std::vector<int64_t> held_ids;      // of vectors that the scan file lacks
  std::vector<uint16_t> held_halves;  // [held_ids.size(), D]
  ContentFilter present;              // contents with a vector and a file that is there
  int64_t present_count = 0;
  std::vector<uint16_t> sample;  // [n, D]; see SearchResult::mean

  int64_t dimensions() const { return space.fingerprint.dimension; }
};

/// To be called before a ReadTransaction that LoadState is called in: what the scan file has then
/// is in the state that the transaction sees.
class OpenedScan {
 public:
  explicit OpenedScan(const std::filesystem::path& folder) : path_(folder / "scan.i8") {}

  void Open(const ScanSpace& space);
  /// Whether the file is still the one that was opened.
  bool IsCurrent() const;
  std::optional<ScanFile> Take() { return std::move(file_); }

 private:
  const std::filesystem::path path_;
  std::optional<ScanFile> file_;
  uint64_t inode_ = 0;
};

/// Throws Error(kNotFound) where nothing was indexed yet.
SearchState LoadState(Database& database, std::optional<ScanFile> scan);

}  // namespace siglip
